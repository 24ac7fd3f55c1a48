"""`python -m wattseal.lab.undefended MODULE ARGUMENTS...`: the product with one defence taken out, for controls.

MODULE is a file of `lab.attacks` whose `undefend()` puts a null object in the place of the defence that the attack is
about. No setting, flag or variable of a shipped process can do so: this is a program of its own, for the lab.
"""

import importlib
import runpy
import sys


def undefended(arguments: list[str]) -> None:
    """Run the product's command line in this process with a defence missing."""
    module, *rest = arguments
    importlib.import_module(f"wattseal.lab.attacks.{module}").undefend()
    sys.argv = ["wattseal", *rest]
    runpy.run_module("wattseal", run_name="__main__")


if __name__ == "__main__":
    undefended(sys.argv[1:])

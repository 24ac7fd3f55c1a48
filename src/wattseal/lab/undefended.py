"""`python -m wattseal.lab.undefended MODULE ARGUMENTS...`: the product with one defence taken out, for controls.

MODULE is a file of `lab.attacks` whose `undefend()` puts a null object in the place of the defence that the attack is
about; `MODULE:NAME` calls another function of it, such as one that plants a fault to be defended against. No setting,
flag or variable of a shipped process can do so: this is a program of its own, for the lab.
"""

import importlib
import runpy
import sys


def undefended(arguments: list[str]) -> None:
    """Run the product's command line in this process with a defence missing."""
    module, *rest = arguments
    name, _, function = module.partition(":")
    getattr(importlib.import_module(f"wattseal.lab.attacks.{name}"), function or "undefend")()
    sys.argv = ["wattseal", *rest]
    runpy.run_module("wattseal", run_name="__main__")


if __name__ == "__main__":
    undefended(sys.argv[1:])

"""`python -m wattseal`."""

from wattseal.cli.main import main

main()

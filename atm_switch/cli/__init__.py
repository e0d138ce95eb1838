"""The command line ``atm-switch``; ``main`` is the entry point the wheel names."""

from atm_switch.cli.entry import main

__all__ = ["main"]

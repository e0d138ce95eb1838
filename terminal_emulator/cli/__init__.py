"""The command line ``terminal-emulator``; ``main`` is the entry point the wheel names."""

from terminal_emulator.cli.entry import main

__all__ = ["main"]

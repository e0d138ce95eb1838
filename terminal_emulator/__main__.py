"""Lets ``python -m terminal_emulator`` stand for the command ``terminal-emulator``."""

import sys

from terminal_emulator.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())

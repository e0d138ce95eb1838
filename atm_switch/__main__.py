"""Lets ``python -m atm_switch`` stand for the command ``atm-switch``."""

import sys

from atm_switch.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())

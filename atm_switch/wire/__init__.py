"""Bytes: frames cut from the stream, payloads packed and unpacked."""

import os
from pathlib import Path

from atm_switch.wire.variant import chosen

# Which code is loaded is settled before any settings are read.
VARIANT = chosen(Path(__file__).parent, os.environ)  # noqa: TID251
"""``pure codec`` or ``compiled codec``; and why not, where the compiled one does not load."""

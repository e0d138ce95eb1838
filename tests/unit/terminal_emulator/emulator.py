"""Run the emulator as its users do, as a program of its own; and a kit for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.terminal_emulator.host import PIN_KEY, PIN_KEY_CHECK

SECONDS = 90
PROGRAM = (sys.executable, "-m", "terminal_emulator")


def environment(**more: str) -> dict[str, str]:
    """Return a plain environment without colour or a trace of the caller's."""
    return {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "NO_COLOR": "1", **more}


def run(*arguments: str, keys: str = "") -> subprocess.CompletedProcess[str]:
    """Run the emulator to its end with ``keys`` on its standard input."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=keys,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment(),
    )


def keys(*pressed: str) -> str:
    """Join what is typed, a line each."""
    return "".join(line + "\n" for line in pressed)


def write_kit(folder: Path, key: bool = True) -> str:  # noqa: FBT001, FBT002  reads well
    """Write a kit, with a PIN key or without, and return its path."""
    document = {
        "schema": 1,
        "profile": "bpjstk-jht-v1",
        "acquirer": "009",
        "terminal": "S1ABC123",
        "card_acceptor": "BNI000000000001",
        "location": "ATM KC HARMONI        JAKARTA       ID  ",
        "channel": "6011",
        "zone": "WIB",
    }
    if key:
        document |= {"pin_key": PIN_KEY, "pin_key_check": PIN_KEY_CHECK}
    path = folder / "terminal-kit.json"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return str(path)

"""Either side dies in the middle of a key change: afterwards they still share their keys.

The switch, or the terminal, is killed (SIGKILL) as soon as the log tells of a stage of the
change; where in the stage it dies is chance, and any place must do.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.doubles.served import Served, make_folder, run, serve

STAGES = ("key request", "key delivery sent", "key delivery answered")
SECONDS = 60
CARD, PIN = "9990090000000012", "123456"


def begin_change(folder: Path, address: str) -> "subprocess.Popen[str]":
    """Have a terminal ask for new keys."""
    kit = str(folder / "terminal-kit.json")
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "terminal_emulator", "request-keys"),
            *("--connect", address, "--kit", kit),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=os.getcwd(),  # noqa: PTH109 - the package is found from here
    )


def wait_for(log: Path, event: str, count: int) -> None:
    """Look at the log until it has told ``count`` times of ``event``."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        events = [json.loads(line)["event"] for line in log.read_text().splitlines(keepends=True)
                  if line.endswith("\n")]  # fmt: skip
        if events.count(event) >= count:
            return
    message = f"the log never told of {event}"
    raise AssertionError(message)


def told(log: Path, event: str) -> int:
    """Count what the log has told of an event so far."""
    return log.read_text().count(f'"event": "{event}"')


def inquire(folder: Path, served: Served) -> "subprocess.CompletedProcess[str]":
    """Ask for a balance with whatever keys the kit holds now."""
    return run(
        *("inquire", "--connect", served.address, "--kit", folder / "terminal-kit.json"),
        *("--pan", CARD, "--pin", PIN, "--json"),
        module="terminal_emulator",
    )


def test_death_of_the_switch_splits_no_keys(tmp_path: Path) -> None:
    """Killed at any stage and started again, it takes the terminal's MAC and PIN block."""
    folder = make_folder(tmp_path, "--mac", "required")
    for stage in STAGES:
        with serve(folder) as served:
            before = told(served.log, stage)
            terminal = begin_change(folder, served.address)

            wait_for(served.log, stage, before + 1)
            served.stop(signal.SIGKILL)
            terminal.communicate(timeout=SECONDS)

        with serve(folder) as again:
            done = inquire(folder, again)
            assert (stage, 0) == (stage, done.returncode), done.stdout + done.stderr


@pytest.mark.parametrize("stage", STAGES[:2])
def test_death_of_the_terminal_splits_no_keys(stage: str, tmp_path: Path) -> None:
    """A terminal that dies in the change comes back with a key the switch takes."""
    folder = make_folder(tmp_path, "--mac", "required")
    with serve(folder) as served:
        for count in range(1, 4):
            terminal = begin_change(folder, served.address)

            wait_for(served.log, stage, count)
            terminal.kill()
            terminal.communicate(timeout=SECONDS)

            done = inquire(folder, served)
            assert 0 == done.returncode, done.stdout + done.stderr


def test_keys_change_again_and_again_unnoticed(tmp_path: Path) -> None:
    """Change after change, each inquiry between them is served."""
    folder = make_folder(tmp_path, "--mac", "required")
    checks = set()
    with serve(folder) as served:
        for _ in range(4):
            kit = json.loads((folder / "terminal-kit.json").read_text())
            checks.add(kit["mac_key_check"] + kit["pin_key_check"])
            terminal = begin_change(folder, served.address)
            terminal.communicate(timeout=SECONDS)
            assert 0 == terminal.returncode
            assert 0 == inquire(folder, served).returncode

    assert 4 == len(checks)

"""A switch as its users run it: ``atm-switch init`` and ``serve`` in processes of their own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from atm_switch.card_key_change import require_card_key_read
from atm_switch.domain.card import Pan
from atm_switch.domain.errors import Refused
from atm_switch.domain.secret import Pin
from atm_switch.folder import open_folder
from atm_switch.ledger.sample_members import sample_cards
from atm_switch.security.pvv import visa_pvv
from tests.doubles.suite_canaries import said

SAMPLE_CARD, SAMPLE_PIN = "9990090000000012", "123456"
WRONG_PINS = ("9999", "0000", "1111", "2222", "3333", "1357", "9876")
"""As the tests and ``specs/conformance`` guess them, at any card: only four digits count."""
INITS_MAX = 5
PATIENT = "\n[ledger]\nquery_seconds_max = 30.0\n"
"""A machine with other work stands still for a second now and then: no reason for a 91."""
SECONDS = 90
"""How long a command may take before a test says that it hangs: one that plays three hundred cases
takes ten, and three times as long where four others are at work."""


def run(
    *arguments: str | Path,
    module: str = "atm_switch",
    typed: str = "",
    interpreter: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; ``interpreter`` are options of Python itself."""
    done = subprocess.run(
        [sys.executable, *interpreter, "-m", module, *map(str, arguments)],
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=_environment(),
    )
    said(done.stdout, done.stderr)
    return done


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ATM_")}
    return {**kept, "NO_COLOR": "1", "PYTHONPATH": os.getcwd()}  # noqa: PTH109


def make_folder(root: Path, *options: str, is_patient: bool = True) -> Path:
    """Make a data folder with the sample members, to listen on any free port.

    Patient a query of its ledger may take its time, as ``PATIENT`` says: wherever what is told
    is judged and not how soon.
    """
    folder = root / "bank"
    for _ in range(INITS_MAX):
        done = run("init", folder, "--listen", "127.0.0.1:0", "--sample", *options)
        assert 0 == done.returncode, done.stderr
        if _tells_wrong_pins(folder):
            with (folder / "switch.toml").open("a") as settings:
                settings.write(PATIENT * is_patient)
            return folder
        open_folder(folder).master_file.unlink()
        shutil.rmtree(folder)
    raise AssertionError("a wrong PIN passes under every key that is drawn")


def own_profile(folder: Path) -> Path:
    """Have the folder's listener speak a profile of its own, like the one that ships."""
    profile, settings = folder / "own.toml", folder / "switch.toml"
    profile.write_text('extends = "bpjstk-jht-v1"\nname = "own"\ntitle = "own"\n')
    settings.write_text(settings.read_text().replace('"bpjstk-jht-v1"', f'"{profile.name}"'))
    return profile


def _tells_wrong_pins(folder: Path) -> bool:
    """Tell whether no wrong PIN of the tests has the value of a sample card's right one by chance.

    One in ten thousand has, under a key that is drawn.
    """
    key = open_folder(folder).vault().pvk("1")
    if key is None:
        return True

    def value(pin: str, pan: Pan) -> str:
        return visa_pvv(Pin(pin.encode()), pan, "1", key.token)

    cards = sample_cards(datetime.now(UTC).date())
    return not any(
        value(card.pin, card.pan) == value(wrong, card.pan)
        for card in cards
        for wrong in WRONG_PINS
    )


@dataclass
class Served:
    """A running switch."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rpartition(":")[2])

    def wait_for(self, words: str) -> None:
        """Wait until the log says so; fail after ``SECONDS``."""
        deadline = time.monotonic() + SECONDS
        while words not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it with a signal and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def read_keys_again(folder: Path, served: Served) -> None:
    """Have the switch read its keys, and wait until the audit says that it has the newest."""
    served.process.send_signal(signal.SIGHUP)
    served.wait_for("keys reloaded")  # its record is written a moment later
    opened, deadline = open_folder(folder), time.monotonic() + SECONDS
    while True:
        try:
            require_card_key_read(opened, opened.vault())
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return


@contextmanager
def serve(
    folder: Path,
    cwd: Path | None = None,
    days: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Run ``atm-switch serve`` for a block, in ``cwd`` if given, its clock ``days`` off."""
    program = ["tests.doubles.shifted_clock", str(days)] if days else ["atm_switch"]
    log = folder.parent / f"{folder.name}.log"
    with log.open("a") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", *program, "serve", str(folder)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**_environment(), **(environment or {})},
            cwd=cwd,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on "), log.read_text()
        yield Served(process, line.removeprefix("listening on ").strip(), log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)
        process.stdout.close()

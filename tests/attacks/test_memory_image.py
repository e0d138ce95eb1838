"""No clear PIN stays in memory: the image of a live switch is read and searched.

What is claimed is claimed of PINs.  Keys of the software engine do lie in the process
(security.md 2), which serves as a control: the search finds them.
Limits: this finds copies that live on.  That each buffer is also overwritten before it is
given back is claimed with the engine, in ``tests/adapters/test_software_hsm.py``.
"""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.security.ibm3624 import ibm3624_offset
from atm_switch.security.pin_block import encode_format_0
from atm_switch.security.pin_formats import PinFormat, encipher_pin
from atm_switch.security.pvv import visa_pvv
from tests.attacks import engine_under_watch
from tests.doubles.process_memory import found_in_memory
from tests.doubles.served import make_folder, serve
from tests.doubles.talk import Talk, inquiry

PAN = "9990090000000012"
PINS = 100
SEED = 31
RIGHT, WRONG = "123475", "987675"
"""How right and wrong PINs begin: of the sample card's PIN the first four digits count."""


def twelve_digits(beginning: str) -> list[str]:
    """Draw long PINs that begin alike, so that they are looked for all at once."""
    chance = random.Random(f"{SEED} {beginning}")  # noqa: S311 - PINs of a test
    return [f"{beginning}{chance.randrange(10**6):06d}" for _ in range(PINS)]


def spellings(pins: list[str]) -> set[bytes]:
    """Return PINs as text, wide text, two digits a byte, and as in a clear PIN block."""
    return {
        spelling
        for pin in pins
        for spelling in (
            pin.encode(),
            pin.encode("utf-16-le"),
            bytes.fromhex(pin),
            bytes(encode_format_0(Pin(pin.encode()), Pan(PAN)))[1:7],
        )
    }


def image_of(pid: int, patterns: set[bytes]) -> set[bytes]:
    """Search a process, or skip where this user may not look."""
    try:
        return found_in_memory(pid, patterns)
    except PermissionError:
        pytest.skip("only root may read an undumpable process's memory")


def test_live_switch_holds_no_clear_pin(tmp_path: Path) -> None:
    """
    After two hundred inquiries with long PINs, right and wrong in turn, the image of the
    running switch holds none of them; the PIN key, which it must hold, is found.
    """
    folder = make_folder(tmp_path, "--mac", "required")
    right, wrong = twelve_digits(RIGHT), twelve_digits(WRONG)

    in_turn = [pin for pair in zip(wrong, right, strict=True) for pin in pair]

    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        codes = [
            talk.ask(inquiry(stan, {2: PAN, 52: talk.pin_block(pin, PAN)}))[39]
            for stan, pin in enumerate(in_turn)
        ]
        assert talk.keys.pin is not None
        key = talk.keys.pin.reveal()
        found = image_of(served.process.pid, spellings(right + wrong) | {key})

    assert ["55", "00"] * PINS == codes
    assert {key} == found


class Engine:
    """The software engine alone in a process."""

    def __init__(self, process: "subprocess.Popen[str]", fmt: PinFormat, method: str) -> None:
        """Agree on keys and on the card's value."""
        self.process = process
        chance = random.Random(SEED)  # noqa: S311 - keys of a test
        self._key, pvk, self._chance = Key(chance.randbytes(16)), Key(chance.randbytes(16)), chance
        self._fmt, pan, model = fmt, Pan(PAN), Pin(RIGHT.encode())
        value = (
            visa_pvv(model, pan, "1", pvk)
            if method == "visa-pvv"
            else ibm3624_offset(model, pan, pvk, engine_under_watch.TABLE)
        )
        self._fixed = {
            "format": fmt.value, "method": method, "pan": PAN, "value": value,
            "keys": [self._key.reveal().hex(), pvk.reveal().hex()],
        }  # fmt: skip

    def is_right(self, pin: str) -> bool:
        """Have one PIN verified."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        draw = self._chance.randbytes
        block = encipher_pin(self._fmt, Pin(pin.encode()), Pan(PAN), self._key, draw)
        self.process.stdin.write(json.dumps({**self._fixed, "block": block}) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "1\n"


@contextmanager
def engine(fmt: PinFormat, method: str, *fault: str) -> Iterator[Engine]:
    """Run an engine for a block."""
    with subprocess.Popen(
        [sys.executable, str(engine_under_watch.__file__), *fault],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Engine(process, fmt, method)
        process.kill()


@pytest.mark.parametrize("method", ["visa-pvv", "ibm-3624"])
@pytest.mark.parametrize("fmt", list(PinFormat), ids=lambda fmt: f"format {fmt.value}")
def test_engine_holds_no_clear_pin(fmt: PinFormat, method: str) -> None:
    """
    In every PIN block format and by both methods, right PINs and wrong ones are gone from
    the engine's memory once it has answered.
    """
    right, wrong = twelve_digits(RIGHT), twelve_digits(WRONG)

    with engine(fmt, method) as watched:
        answers = [watched.is_right(pin) for pin in right + wrong]
        found = image_of(watched.process.pid, spellings(right + wrong))

    assert [True] * PINS + [False] * PINS == answers
    assert set() == found


def test_search_finds_pins_that_were_kept() -> None:
    """
    The control: of an engine that keeps the PINs it has verified every one is found.
    """
    pins = twelve_digits(RIGHT)

    with engine(PinFormat.ZERO, "visa-pvv", "keeps") as watched:
        answers = [watched.is_right(pin) for pin in pins]
        found = image_of(watched.process.pid, spellings(pins))

    assert [True] * PINS == answers
    assert {pin.encode() for pin in pins} <= found

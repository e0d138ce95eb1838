"""Claims about the software HSM: right PIN, every wrong alike, nothing left in memory."""

import hashlib
import json
import os
import secrets
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from atm_switch.adapters.software_hsm import SoftwareHsm
from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key, Pin, PinBlock, Secret
from atm_switch.security import tdes
from atm_switch.security.key_ring import LineKey
from atm_switch.security.pin_block import encipher, encode_format_0
from atm_switch.security.pvv import visa_pvv
from atm_switch.security.vault import fresh_tdes_key
from atm_switch.switch.hsm_port import PinVerdict, VerifyPin

PAN = Pan("999009123456789" + luhn_digit("999009123456789"))
OTHER_PAN = Pan("999009987654321" + luhn_digit("999009987654321"))
OLD_KEY, OWN_KEY = fresh_tdes_key(os.urandom), fresh_tdes_key(os.urandom)
PVK = fresh_tdes_key(os.urandom)
PIN = b"123456"
PVV = visa_pvv(Pin(PIN), PAN, "1", PVK)
HSM = SoftwareHsm(os.urandom)


def asked(
    block: PinBlock, *, pan: Pan = PAN, pvv: str = PVV, keys: tuple[Key, ...] = (OWN_KEY,)
) -> VerifyPin:
    """Put the question about one block of format 0."""
    tokens = tuple(LineKey.clear(key) for key in keys)
    pvk = LineKey.clear(PVK)
    return VerifyPin(block, pan, pvv, "1", pvk, tokens, frozenset("0"), is_of_terminal=True)


def enciphered(pin: bytes = PIN, *, key: Key = OWN_KEY, pan: Pan = PAN) -> PinBlock:
    """Make DE52 as a terminal does."""
    return PinBlock.from_hex(encipher(Pin(pin), pan, key))


def field_enciphered(field: str) -> PinBlock:
    """Make DE52 from a PIN field of any shape."""
    pan_field = bytes.fromhex("0000" + PAN.digits[-13:-1])
    clear = bytes(a ^ b for a, b in zip(bytes.fromhex(field), pan_field, strict=True))
    return PinBlock(tdes.encrypt(OWN_KEY, clear))


def wrong_pin() -> bytes:
    """Find a PIN whose value is not the card's."""
    tries = (f"{number:06d}".encode() for number in range(0, 1_000_000, 100))
    return next(digits for digits in tries if visa_pvv(Pin(digits), PAN, "1", PVK) != PVV)


WRONGS = {
    "wrong PIN": asked(enciphered(wrong_pin())),
    "control digit": asked(field_enciphered("141234FFFFFFFFFF")),
    "length 3": asked(field_enciphered("03123FFFFFFFFFFF")),
    "length 13": asked(field_enciphered("0D1234567890123F")),
    "hex digit in PIN": asked(field_enciphered("06123A56FFFFFFFF")),
    "filler": asked(field_enciphered("0612345FFFFFFFF0")),
    "zeros": asked(PinBlock(bytes(8))),
    "seven bytes": asked(PinBlock(bytes(7))),
    "no bytes": asked(PinBlock(b"")),
    "nine bytes": asked(PinBlock(enciphered().reveal() + b"\x00")),
    "another key": asked(enciphered(key=OLD_KEY)),
    "another card": asked(enciphered(wrong_pin()), pan=OTHER_PAN),
    "empty PVV": asked(enciphered(), pvv=""),
    "misshapen PVV": asked(enciphered(), pvv=PVV + "0"),
}


@pytest.mark.parametrize("at", [0, 1])
def test_right_pin_is_verified_under_either_key(at: int) -> None:
    """The right PIN is right under the key in use and under the one before it."""
    keys = (OWN_KEY, OLD_KEY)
    question = asked(enciphered(key=keys[at]), keys=keys)

    assert PinVerdict(is_right=True, key_at=at) == HSM.verify_pin(question)


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
def test_every_wrong_is_the_same_false(wrong: VerifyPin) -> None:
    """Wrong digits, malformed block, wrong key, wrong card: one answer, no error."""
    assert not HSM.verify_pin(wrong).is_right


def test_malformed_block_never_matches_stand_in() -> None:
    """A card whose PVV is that of the stand-in PIN is not opened by a malformed block."""
    pvv = visa_pvv(Pin(b"0000"), PAN, "1", PVK)
    blocks = (enciphered(b"0000"), PinBlock(bytes(8)), PinBlock(bytes(7)))

    verdicts = [HSM.verify_pin(asked(block, pvv=pvv)).is_right for block in blocks]

    assert [True, False, False] == verdicts


class CountingKey(Key):
    """A key that counts how often its material is asked for."""

    __slots__ = ("uses",)

    def __init__(self, material: bytes) -> None:
        """Start at no use."""
        super().__init__(material)
        self.uses = 0

    def reveal(self) -> bytes:
        """Count, then hand out."""
        self.uses += 1
        return super().reveal()


def uses_of_keys(question: VerifyPin) -> tuple[int, ...]:
    """Return how often verifying asks for the PIN keys and for the PVK."""
    counting = [CountingKey(key.reveal()) for key in (OWN_KEY, OLD_KEY, PVK)]
    own, old, pvk = (LineKey(key, "") for key in counting)

    HSM.verify_pin(replace(question, keys=(own, old), pvk=pvk))

    return tuple(key.uses for key in counting)


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
def test_every_wrong_costs_the_same_work(wrong: VerifyPin) -> None:
    """Whatever is wrong, every key is used as often as for the right PIN."""
    expected = uses_of_keys(asked(enciphered()))

    assert min(expected) > 0
    assert expected == uses_of_keys(wrong)


@pytest.mark.parametrize("material", [b"", bytes(8), bytes(16), b"12345678" * 2, bytes(17)])
def test_unusable_key_is_nobodys_wrong_pin(material: bytes) -> None:
    """A PIN key or PVK no cipher takes gives no answer, and is not quoted."""
    key = LineKey(Key(material), "")
    question = asked(enciphered())

    for spoilt in (replace(question, keys=(key,)), replace(question, pvk=key)):
        with pytest.raises(NeighbourUnavailable, match=r"^a key cannot be used: a TDES key"):
            HSM.verify_pin(spoilt)


def held_after_verifying(question: VerifyPin) -> tuple[list[bytes], list[bytes]]:
    """Verify, and return all that our functions held, as it was then and as it is after."""
    held: list[bytes | bytearray | str | Secret] = []
    then: list[bytes] = []

    def watch(frame: FrameType, event: str, result: object) -> None:
        if event == "return" and "atm_switch" in frame.f_code.co_filename:
            for value in (*frame.f_locals.values(), result):
                if isinstance(value, bytes | bytearray | str | Secret):
                    held.append(value)
                    then.append(as_bytes(value))

    sys.setprofile(watch)
    try:
        HSM.verify_pin(question)
    finally:
        sys.setprofile(None)
    return then, [as_bytes(value) for value in held]


def as_bytes(value: bytes | bytearray | str | Secret) -> bytes:
    """Copy the content of anything a PIN could be in."""
    if isinstance(value, Secret):
        return bytes(value._buffer)
    return value.encode() if isinstance(value, str) else bytes(value)


def test_every_buffer_with_the_pin_is_wiped() -> None:
    """No value any of our functions had in hand holds the PIN once it is verified."""
    digits = b"314159265358"
    pvv = visa_pvv(Pin(digits), PAN, "1", PVK)
    packed = bytes.fromhex(PAN.digits[-12:-1] + "1" + "3141")
    forms = [*forms_of(digits), packed, forms_of(digits)[2].hex().encode()]

    then, after = held_after_verifying(asked(enciphered(digits), pvv=pvv))

    assert all(any(form in value for value in then) for form in (forms[0], forms[2], packed))
    assert [] == [form for form in forms for value in after if form in value]


VERIFYING_CHILD = textwrap.dedent(
    """
    import json, os, sys
    from atm_switch.adapters.software_hsm import SoftwareHsm
    from atm_switch.domain.card import Pan
    from atm_switch.domain.secret import Key, PinBlock
    from atm_switch.security.key_ring import LineKey
    from atm_switch.switch.hsm_port import VerifyPin

    brief = json.loads(sys.stdin.readline())
    hsm = SoftwareHsm(os.urandom)
    pvk, key = (LineKey.clear(Key.from_hex(brief[name])) for name in ("pvk", "key"))
    right = 0
    for block, pan, pvv in brief["questions"]:
        block, pan = PinBlock.from_hex(block), Pan(pan)
        question = VerifyPin(block, pan, pvv, "1", pvk, (key,), frozenset("0"), True)
        right += hsm.verify_pin(question).is_right
    print(right, flush=True)
    sys.stdin.readline()
    """
)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="reads memory as Linux shows it")
def test_memory_keeps_no_clear_pin() -> None:
    """After two hundred right PINs the process holds none, in no form it worked with."""
    pins = ["".join(secrets.choice("0123456789") for _ in range(12)).encode() for _ in range(200)]
    questions = [
        (encipher(Pin(pin), PAN, OWN_KEY), PAN.digits, visa_pvv(Pin(pin), PAN, "1", PVK))
        for pin in pins
    ]
    keys = {"pvk": PVK.reveal().hex(), "key": OWN_KEY.reveal().hex()}
    brief = json.dumps({**keys, "questions": questions})

    with subprocess.Popen(
        [sys.executable, "-c", VERIFYING_CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        print(brief, file=child.stdin, flush=True)
        right = child.stdout.readline().strip()
        try:
            memory = memory_of(child.pid)
        except PermissionError:
            pytest.skip("this machine lets nobody read a child's memory")
        finally:
            child.stdin.close()

    assert "200" == right
    assert PVK.reveal() in memory, "the scan finds what is there"
    assert [] == [at for at, pin in enumerate(pins) if any(f in memory for f in forms_of(pin))]


def forms_of(pin: bytes) -> list[bytes]:
    """List what a clear PIN looks like: ASCII, packed, in the clear block."""
    return [pin, bytes.fromhex(pin.decode()), bytes(encode_format_0(Pin(pin), PAN))]


def memory_of(pid: int) -> bytes:
    """Read all writable memory of a process of ours."""
    process = Path("/proc") / str(pid)
    pieces = []
    with (process / "mem").open("rb", buffering=0) as memory:
        for line in (process / "maps").read_text().splitlines():
            span, permissions = line.split()[:2]
            if not permissions.startswith("rw") or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in span.split("-"))
            memory.seek(start)
            pieces.append(memory.read(end - start))
    return b"".join(pieces)


def test_pin_and_block_are_not_altered_for_the_asker() -> None:
    """Verifying leaves the question as it was: its block is the asker's to wipe."""
    block = enciphered()
    before = hashlib.sha256(block.reveal()).digest()

    HSM.verify_pin(asked(block))

    assert before == hashlib.sha256(block.reveal()).digest()

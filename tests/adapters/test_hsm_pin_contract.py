"""Claims about IBM 3624 and PIN translation that hold for either engine, software or host.

The test HSM works IBM 3624 out of the fields as they are published, not with our own module;
PCI PIN 3-3 it knows for itself too.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import product

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security.ibm3624 import ibm3624_offset
from atm_switch.security.key_ring import AES, TDES, KeyUsage
from atm_switch.security.pin_formats import PinFormat, decipher_pin
from atm_switch.switch.hsm_port import PinVerdict, TranslatePin, TranslationRefused
from tests.doubles.hsm_rig import (
    AES_FIRST,
    AES_SECOND,
    FIRST,
    PAN,
    PIN,
    PVK,
    RIGS,
    SECOND,
    Rig,
    enciphered,
)

TABLE = "9876543210987654"
OFFSET = ibm3624_offset(Pin(PIN), PAN, PVK, TABLE)
WRONG = b"987654"
ZERO, ONE, THREE, FOUR = PinFormat.ZERO, PinFormat.ONE, PinFormat.THREE, PinFormat.FOUR
ALLOWED = [(source, target) for source, target in product(PinFormat, PinFormat) if target != ONE]


@pytest.fixture(params=RIGS)
async def ibm(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """Bring an engine that verifies by IBM 3624."""
    async with RIGS[request.param](table=TABLE) as rig:
        yield rig


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """Bring an engine."""
    async with RIGS[request.param]() as rig:
        yield rig


def keys_of(fmt: PinFormat) -> tuple[Key, Key, str]:
    """Return two keys for blocks of a format, and their algorithm."""
    return (AES_FIRST, AES_SECOND, AES) if fmt is FOUR else (FIRST, SECOND, TDES)


def to_translate(
    rig: Rig, block: PinBlock, source: PinFormat, target: PinFormat, *keys: Key
) -> TranslatePin:
    """Ask for a block in another format, under the second key of that format."""
    first, _, letter = keys_of(source)
    _, next_line, wanted = keys_of(target)
    held = tuple(rig.token(key, KeyUsage.PIN, letter) for key in keys or (first,))
    return TranslatePin(
        block, PAN, held, frozenset(source.value), False,  # noqa: FBT003  a bank's
        rig.token(next_line, KeyUsage.PIN, wanted), target.value,
    )  # fmt: skip


def inside(block: PinBlock | None, target: PinFormat) -> bytes | None:
    """Open a translated block as the next line does."""
    assert block is not None
    pin = decipher_pin(block, PAN, keys_of(target)[1], frozenset({target}))
    return None if pin is None else pin.reveal()


@pytest.mark.parametrize("fmt", [ZERO, ONE, THREE])
async def test_right_pin_fits_its_offset(ibm: Rig, fmt: PinFormat) -> None:
    """The PIN behind the offset is right, in every format of a TDES key."""
    question = ibm.pin_question(enciphered(PIN, FIRST, fmt), FIRST, formats="013", pvv=OFFSET)

    assert PinVerdict(is_right=True, key_at=0) == await ibm.ask(question)


async def test_right_pin_in_format_4_fits_its_offset(ibm: Rig) -> None:
    """So it does in format 4, under the second AES key."""
    block = enciphered(PIN, AES_SECOND, FOUR)
    question = ibm.pin_question(
        block, AES_FIRST, AES_SECOND, algorithm=AES, formats="4", pvv=OFFSET
    )

    assert PinVerdict(is_right=True, key_at=1) == await ibm.ask(question)


async def test_wrong_pin_or_offset_is_wrong(ibm: Rig) -> None:
    """Another PIN, another offset and one that is none are wrong under the key."""
    other = f"{(int(OFFSET) + 1) % 10_000:04d}"
    asked = [(WRONG, OFFSET), (PIN, other), (PIN, ""), (PIN, OFFSET + "0"), (PIN, "12a4")]

    verdicts = [
        await ibm.ask(ibm.pin_question(enciphered(pin, FIRST), pvv=offset)) for pin, offset in asked
    ]

    assert [PinVerdict(is_right=False, key_at=0)] * len(asked) == verdicts


@pytest.mark.parametrize(("source", "target"), ALLOWED)
async def test_allowed_translation_keeps_the_pin(
    rig: Rig, source: PinFormat, target: PinFormat
) -> None:
    """All that PCI allows arrives whole under the next line's key, of the very same card."""
    block = enciphered(PIN, keys_of(source)[0], source)

    made = await rig.ask(to_translate(rig, block, source, target))

    assert inside(made, target) == PIN


@pytest.mark.parametrize("source", PinFormat)
async def test_nothing_becomes_format_1(rig: Rig, source: PinFormat) -> None:
    """A block that would lose its card is refused, and the HSM is not even asked."""
    block = enciphered(PIN, keys_of(source)[0], source)

    with pytest.raises(TranslationRefused, match=f"format {source.value} is not made into"):
        await rig.ask(to_translate(rig, block, source, ONE))

    assert rig.served_by is None or not rig.hsm.asked["CC"]


async def test_block_under_the_former_key_is_translated(rig: Rig) -> None:
    """In an overlap a block under either key arrives."""
    question = to_translate(rig, enciphered(PIN, SECOND), ZERO, THREE, FIRST, SECOND)

    assert inside(await rig.ask(question), THREE) == PIN


@pytest.mark.parametrize("size", [0, 7, 8, 9, 16])
async def test_block_without_a_pin_is_none(rig: Rig, size: int) -> None:
    """What holds no PIN is ``None``, whatever is wrong with it."""
    question = to_translate(rig, PinBlock(bytes(size)), ZERO, THREE)

    assert await rig.ask(question) is None


async def test_other_format_is_none(rig: Rig) -> None:
    """A PIN in a format the line does not allow is not translated."""
    question = to_translate(rig, enciphered(PIN, FIRST, THREE), ZERO, ZERO)

    assert await rig.ask(question) is None


async def test_target_key_of_another_cipher_is_no_answer(rig: Rig) -> None:
    """Format 4 under a TDES key cannot be had."""
    wrong = rig.token(SECOND, KeyUsage.PIN)
    question = replace(to_translate(rig, enciphered(PIN, FIRST), ZERO, FOUR), target_key=wrong)

    with pytest.raises(NeighbourUnavailable):
        await rig.ask(question)

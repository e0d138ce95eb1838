"""Claims about PINs and MACs that hold for either engine, software or host.

The host engine is claimed twice: with tokens of a variant LMK, and with tokens that are key
blocks.  AES keys have key blocks as tokens in either.
"""

from collections.abc import AsyncIterator

import pytest

from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security.key_ring import AES, TDES, KeyUsage
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.security.pin_formats import PinFormat
from atm_switch.security.pvv import visa_pvv
from atm_switch.switch.hsm_port import CheckMac, MakeMac, PinVerdict
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
    other_pin,
)

COVERED = b"0200" + bytes(range(256)) + b"%;&#\x19"
NO_PIN = PinVerdict(is_right=False, key_at=None)
MACS = [
    pytest.param("x9.19", TDES, FIRST, SECOND, id="retail MAC"),
    pytest.param("aes-cmac", AES, AES_FIRST, AES_SECOND, id="AES-CMAC"),
]


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """Bring an engine and its keys."""
    async with RIGS[request.param]() as rig:
        yield rig


async def test_right_pin_is_right(rig: Rig) -> None:
    """The PIN behind the PVV is right, under the first key."""
    question = rig.pin_question(enciphered(PIN, FIRST))

    verdict = await rig.ask(question)

    assert PinVerdict(is_right=True, key_at=0) == verdict


async def test_wrong_pin_is_wrong_under_its_key(rig: Rig) -> None:
    """Another PIN is wrong, and the key it came under is told."""
    question = rig.pin_question(enciphered(other_pin(), FIRST), FIRST, SECOND)

    verdict = await rig.ask(question)

    assert PinVerdict(is_right=False, key_at=0) == verdict


async def test_right_pin_under_the_second_key(rig: Rig) -> None:
    """A block malformed under the first key is tried under the second."""
    question = rig.pin_question(enciphered(PIN, SECOND), FIRST, SECOND)

    verdict = await rig.ask(question)

    assert PinVerdict(is_right=True, key_at=1) == verdict


@pytest.mark.parametrize("size", [0, 7, 8, 9, 16])
async def test_malformed_block_is_a_wrong_pin(rig: Rig, size: int) -> None:
    """A block that no key makes well-formed, of whatever length, is a no under no key."""
    question = rig.pin_question(PinBlock(bytes(size)), FIRST, SECOND)

    assert NO_PIN == await rig.ask(question)


@pytest.mark.parametrize("fmt", [PinFormat.ZERO, PinFormat.ONE, PinFormat.THREE])
async def test_every_allowed_format_is_taken(rig: Rig, fmt: PinFormat) -> None:
    """Where three formats are allowed, a right PIN in each is right."""
    question = rig.pin_question(enciphered(PIN, FIRST, fmt), FIRST, formats="013")

    verdict = await rig.ask(question)

    assert PinVerdict(is_right=True, key_at=0) == verdict


async def test_format_not_allowed_is_no_pin(rig: Rig) -> None:
    """A right PIN in a format the line does not allow is a wrong PIN."""
    question = rig.pin_question(enciphered(PIN, FIRST, PinFormat.THREE), FIRST)

    assert NO_PIN == await rig.ask(question)


async def test_format_4_is_taken_under_aes(rig: Rig) -> None:
    """A right PIN in format 4 is right, under the second AES key too."""
    block = enciphered(PIN, AES_SECOND, PinFormat.FOUR)
    question = rig.pin_question(block, AES_FIRST, AES_SECOND, algorithm=AES, formats="4")

    verdict = await rig.ask(question)

    assert PinVerdict(is_right=True, key_at=1) == verdict


@pytest.mark.parametrize("pvv", ["", "1", "12345", "12a4", "١٢٣٤"])
async def test_misshapen_pvv_opens_nothing(rig: Rig, pvv: str) -> None:
    """A card whose PVV is none has no right PIN."""
    question = rig.pin_question(enciphered(PIN, FIRST), pvv=pvv)

    verdict = await rig.ask(question)

    assert PinVerdict(is_right=False, key_at=0) == verdict


@pytest.mark.parametrize("size", [0, 7, 9])
async def test_stand_ins_open_nothing(rig: Rig, size: int) -> None:
    """What is put in place of a misshapen block or PVV never makes a yes."""
    stand_in_pvv = visa_pvv(Pin(b"0000"), PAN, "1", PVK)

    for_block = await rig.ask(rig.pin_question(PinBlock(bytes(size)), pvv=stand_in_pvv))
    for_pvv = await rig.ask(rig.pin_question(enciphered(PIN, FIRST), pvv="00000"))

    assert (NO_PIN, False) == (for_block, for_pvv.is_right)


@pytest.mark.parametrize(("algorithm", "letter", "first", "second"), MACS)
async def test_mac_names_the_key_it_was_made_with(
    rig: Rig, algorithm: str, letter: str, first: Key, second: Key
) -> None:
    """Right under the first key is 0, under the second 1, under neither none."""
    keys = tuple(rig.token(key, KeyUsage.MAC, letter) for key in (first, second))
    macs = [mac(MacAlgorithm(algorithm), key, COVERED) for key in (first, second)]
    macs += [bytes(8), macs[0][:4], macs[0] + b"\x00", b""]

    found = [await rig.ask(CheckMac(algorithm, keys, COVERED, one)) for one in macs]

    assert [0, 1, None, None, None, None] == found


@pytest.mark.parametrize(("algorithm", "letter", "first", "second"), MACS)
async def test_made_mac_is_the_algorithms(
    rig: Rig, algorithm: str, letter: str, first: Key, second: Key
) -> None:
    """The MAC made is the one computed here, and verifies under its key alone."""
    key, other = (rig.token(one, KeyUsage.MAC, letter) for one in (first, second))

    made = await rig.ask(MakeMac(algorithm, key, COVERED))

    assert mac(MacAlgorithm(algorithm), first, COVERED) == made
    assert await rig.ask(CheckMac(algorithm, (key,), COVERED, made)) == 0
    assert await rig.ask(CheckMac(algorithm, (other,), COVERED, made)) is None

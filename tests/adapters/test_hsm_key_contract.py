"""Claims about keys taken in and made that hold for either engine, software or host."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from atm_switch.adapters.host_hsm import HostHsm
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, unwrap, wrap
from atm_switch.security.key_ring import AES, TDES, KeyUsage, LineKey
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.security.pin_formats import PinFormat
from atm_switch.switch.hsm_port import (
    CheckMac,
    HsmQuestion,
    ImportKey,
    KeyRefused,
    MakeMac,
    MintKey,
    PinVerdict,
)
from tests.doubles.hsm_rig import (
    AES_EXCHANGE,
    AES_FIRST,
    CHANCE,
    EXCHANGE,
    FIRST,
    PIN,
    RIGS,
    Rig,
    enciphered,
    host_rig,
)

COVERED = b"0200 and so on"
CARRIED = [
    pytest.param(KeyUsage.PIN, TDES, "P0", "B", EXCHANGE, TDES, id="PIN key"),
    pytest.param(KeyUsage.MAC, TDES, "M3", "C", EXCHANGE, TDES, id="MAC key"),
    pytest.param(KeyUsage.PIN, AES, "P0", "B", AES_EXCHANGE, AES, id="AES PIN key"),
    pytest.param(KeyUsage.MAC, AES, "M6", "C", AES_EXCHANGE, AES, id="AES MAC key"),
    pytest.param(KeyUsage.PIN, TDES, "P0", "B", AES_EXCHANGE, AES, id="PIN key under AES"),
]
CARRIED_BY = ("usage", "algorithm", "letters", "mode", "exchange", "exchange_algorithm")


def wrapped(
    letters: str, mode: str, key: Key, *, algorithm: str = TDES, exchange: Key = EXCHANGE,
    exchange_algorithm: str = TDES,
) -> str:  # fmt: skip
    """Write a key block as a bank would."""
    block = KeyBlock(letters, algorithm, mode, "00", "E", key)
    return wrap(exchange, block, CHANCE, kbpk_algorithm=exchange_algorithm)


@pytest.fixture(params=RIGS)
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """Bring an engine and its keys."""
    async with RIGS[request.param]() as rig:
        yield rig


@pytest.mark.parametrize(CARRIED_BY, CARRIED)
async def test_key_in_a_block_is_taken(
    rig: Rig, usage: KeyUsage, algorithm: str, letters: str, mode: str,
    exchange: Key, exchange_algorithm: str,
) -> None:  # fmt: skip
    """The key inside a bank's key block becomes a key of this engine, with its check value."""
    key = FIRST if algorithm == TDES else AES_FIRST
    block = wrapped(
        letters, mode, key, algorithm=algorithm, exchange=exchange,
        exchange_algorithm=exchange_algorithm,
    )  # fmt: skip
    carrier = rig.token(exchange, KeyUsage.EXCHANGE, exchange_algorithm)

    taken = await rig.ask(ImportKey(carrier, block, usage, algorithm))

    assert (key_check_value(key, algorithm), algorithm) == (taken.check, taken.algorithm)
    assert await is_of_use(rig, taken, key, usage)


@pytest.mark.parametrize(CARRIED_BY, CARRIED)
async def test_minted_key_is_the_one_in_its_block(
    rig: Rig, usage: KeyUsage, algorithm: str, letters: str, mode: str,
    exchange: Key, exchange_algorithm: str,
) -> None:  # fmt: skip
    """A fresh key's block opens under the exchange key, for its use, and holds that key."""
    carrier = rig.token(exchange, KeyUsage.EXCHANGE, exchange_algorithm)

    minted = await rig.ask(MintKey(carrier, usage, algorithm))

    inside = unwrap(exchange, minted.block, kbpk_algorithm=exchange_algorithm)
    assert (letters, algorithm, mode) == (inside.usage, inside.algorithm, inside.mode)
    assert minted.key.check == key_check_value(inside.key, algorithm)
    assert await is_of_use(rig, minted.key, inside.key, usage)


async def is_of_use(rig: Rig, taken: LineKey, key: Key, usage: KeyUsage) -> bool:
    """Use a key as its line would."""
    if usage is KeyUsage.MAC:
        algorithm = "x9.19" if taken.algorithm == TDES else "aes-cmac"
        made: bytes = await rig.ask(MakeMac(algorithm, taken, COVERED))
        return made == mac(MacAlgorithm(algorithm), key, COVERED)
    fmt = PinFormat.ZERO if taken.algorithm == TDES else PinFormat.FOUR
    question = rig.pin_question(enciphered(PIN, key, fmt), formats=fmt.value)
    question = replace(question, keys=(taken,))
    verdict: PinVerdict = await rig.ask(question)
    return verdict.is_right


@pytest.mark.parametrize(
    ("letters", "mode", "key"),
    [
        pytest.param("P0", "B", FIRST, id="another usage"),
        pytest.param("M3", "E", FIRST, id="another mode of use"),
        pytest.param("M3", "C", Key(bytes(16)), id="even parity"),
        pytest.param(
            "M3", "C", Key(tdes.with_odd_parity(FIRST).reveal()[:8] * 2), id="equal halves"
        ),
    ],
)
async def test_unfit_key_is_refused(rig: Rig, letters: str, mode: str, key: Key) -> None:
    """A key for another use, or one nobody should use, is not taken as a MAC key."""
    carrier = rig.token(EXCHANGE, KeyUsage.EXCHANGE)
    block = wrapped(letters, mode, key)

    with pytest.raises(KeyRefused):
        await rig.ask(ImportKey(carrier, block, KeyUsage.MAC, TDES))


async def test_every_spoilt_block_is_refused(rig: Rig) -> None:
    """A block with a character changed, cut short or grown is not taken."""
    carrier = rig.token(EXCHANGE, KeyUsage.EXCHANGE)
    block = wrapped("M3", "C", FIRST)
    flips = [
        block[:at] + ("0" if block[at] != "0" else "1") + block[at + 1 :]
        for at in range(0, len(block), 5)
    ]
    ends = ["", block[:-2], block + "00", block + "U", block + "\x19", " " + block]

    for spoilt in (*flips, *ends):
        with pytest.raises(KeyRefused):
            await rig.ask(ImportKey(carrier, spoilt, KeyUsage.MAC, TDES))


@pytest.mark.parametrize("method", ["pin", "pvk", "check", "make", "import", "mint"])
async def test_key_of_the_other_custody_is_no_answer(rig: Rig, method: str) -> None:
    """A token before the software, a clear key before the hardware: no verdict at all."""
    host = isinstance(rig.engine, HostHsm)
    alien = LineKey.clear(FIRST) if host else LineKey(Key(b"U" + b"0" * 32), "0", TDES, False)  # noqa: FBT003  a token
    pin = rig.pin_question(enciphered(PIN, FIRST))
    questions: dict[str, HsmQuestion] = {
        "pin": replace(pin, keys=(alien,)),
        "pvk": replace(pin, pvk=alien),
        "check": CheckMac("x9.19", (alien,), COVERED, bytes(8)),
        "make": MakeMac("x9.19", alien, COVERED),
        "import": ImportKey(alien, wrapped("M3", "C", FIRST), KeyUsage.MAC, TDES),
        "mint": MintKey(alien, KeyUsage.MAC, TDES),
    }

    with pytest.raises(NeighbourUnavailable):
        await rig.ask(questions[method])


async def test_token_of_another_use_is_no_answer() -> None:
    """A PIN key's token given as a MAC key makes no MAC, and verifies none."""
    async with host_rig() as rig:
        pin_key = rig.token(FIRST, KeyUsage.PIN)

        with pytest.raises(NeighbourUnavailable, match=r"wrong parity.*\(error 10\)"):
            await rig.ask(MakeMac("x9.19", pin_key, COVERED))
        with pytest.raises(NeighbourUnavailable):
            await rig.ask(CheckMac("x9.19", (pin_key,), COVERED, bytes(8)))


async def test_key_block_token_says_what_it_is_for() -> None:
    """A PIN key's token that is a key block makes no MAC either."""
    async with host_rig(is_block=True) as rig:
        pin_key = rig.token(FIRST, KeyUsage.PIN)

        with pytest.raises(NeighbourUnavailable, match=r"for another use \(error A6\)"):
            await rig.ask(MakeMac("x9.19", pin_key, COVERED))

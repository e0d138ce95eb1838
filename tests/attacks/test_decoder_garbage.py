"""Twenty thousand mangled frames: the decoder refuses, the core answers, nobody falls.

The frames are honest ones of every kind, mangled by a seeded chance: bits turned, bytes
put in, taken out and doubled, ends cut off, heads of one message before tails of another,
and the characters that lenient readers take for digits.  A failure names the seed and the
number of the frame, so it can be had again.
"""

import random
from collections.abc import Callable, Iterator

import pytest

from atm_switch.domain.errors import FormatError
from atm_switch.messages.mti import is_response
from atm_switch.profile.load import load_profile
from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.bench import BNI, PAN, Bench, bank

SEED, FRAMES = 8583, 20_000
NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
TRICKS = (b"+", b"-", b" ", b"_", b"\n", b"\x00", b"\xff", b"0", b"9", b"A", b"a", b"\x1b", b"\xb2")
NEVER_RETURNED = {14, 23, 26, 35, 45, 52, 53, 55}


def honest() -> list[IsoMessage]:
    """One message of each kind the switch knows, and two it does not."""
    inquiry = Bench().inquiry({14: "3012", 33: "00110", 35: f"{PAN}D30121011234", 55: "9F0201"})
    key = inquiry.only({3, 7, 11, 32, 37, 41})
    return [
        inquiry,
        inquiry.without(52, 35, 14, 55),
        IsoMessage("0201", inquiry.elements),
        inquiry.with_element(128, "0123456789ABCDEF"),
        IsoMessage("0800", {7: key[7], 11: key[11], 70: "001"}),
        IsoMessage("0800", {7: key[7], 11: key[11], 32: BNI.text, 70: "301", 128: "00" * 8}),
        IsoMessage("0420", {**key, 90: "0" * 42, 95: "C" + "0" * 41}),
        IsoMessage("0210", {**key, 39: "00"}),
        IsoMessage("0100", key),
    ]


Way = Callable[[bytearray, slice, bytes], None]


def turned(data: bytearray, place: slice, drawn: bytes) -> None:
    """Turn one bit."""
    if place.start < len(data):
        data[place.start] ^= 1 << drawn[0] % 8


def replaced(data: bytearray, place: slice, drawn: bytes) -> None:
    """Put what a lenient reader takes for a digit, or no text at all, in place of a byte."""
    data[place.start : place.start + 1] = TRICKS[drawn[0] % len(TRICKS)]


def inserted(data: bytearray, place: slice, drawn: bytes) -> None:
    """Put such a byte between two others."""
    data[place.start : place.start] = TRICKS[drawn[0] % len(TRICKS)]


def taken_out(data: bytearray, place: slice, _: bytes) -> None:
    """Take some bytes out."""
    del data[place]


def doubled(data: bytearray, place: slice, _: bytes) -> None:
    """Say some bytes twice."""
    data[place.start : place.start] = data[place]


def cut_off(data: bytearray, place: slice, _: bytes) -> None:
    """End too early."""
    del data[place.start :]


def drowned(data: bytearray, place: slice, drawn: bytes) -> None:
    """Overwrite some bytes with noise."""
    data[place] = drawn[: place.stop - place.start]


WAYS: tuple[Way, ...] = (turned, replaced, inserted, taken_out, doubled, cut_off, drowned)


def mangled(payload: bytes, other: bytes, chance: random.Random) -> bytes:
    """Mangle one payload in one to three ways, or put the tail of another behind its head."""
    data = bytearray(payload)
    if chance.random() < 0.1:
        data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :]
        return bytes(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        place = slice(at, min(len(data), at + chance.randint(1, 20)))
        chance.choice(WAYS)(data, place, chance.randbytes(20))
    return bytes(data)


def frames(packager: Packager, count: int) -> Iterator[bytes]:
    """Yield ``count`` mangled payloads, the same in every run."""
    chance = random.Random(SEED)  # noqa: S311  garbage, not a key
    payloads = [packager.pack(message) for message in honest()]
    for _ in range(count):
        yield mangled(chance.choice(payloads), chance.choice(payloads), chance)


def read_or_fault(packager: Packager, payload: bytes) -> IsoMessage | FormatError:
    """Unpack a payload; any exception but ``FormatError`` fails the test."""
    try:
        return packager.unpack(payload)
    except FormatError as fault:
        return fault


@pytest.mark.parametrize("name", NAMES)
def test_decoder_refuses_garbage_or_reads_it_exactly(name: str) -> None:
    """
    Each frame raises ``FormatError`` and nothing else, or is the one spelling of its message.
    """
    packager = Packager(load_profile(name))
    refused = 0

    for number, payload in enumerate(frames(packager, FRAMES)):
        read = read_or_fault(packager, payload)

        place = (SEED, number)
        if isinstance(read, FormatError):
            refused += 1
            assert 0 <= read.data_element <= 128, place
            assert PAN not in f"{read!r}", place
        else:
            assert payload == packager.pack(read), place

    assert FRAMES // 2 < refused < FRAMES


@pytest.mark.parametrize("name", NAMES)
def test_core_outlives_garbage_and_serves_on(name: str) -> None:
    """
    Each frame leaves a note or is counted as one more answer nobody asked for, no request meets
    a mistake of ours (96), no secret comes back, and an honest inquiry after every hundred
    frames is approved.
    """
    banks = (bank(pin=PinPolicy.ACQUIRER),)
    bench = Bench(name, banks, bad_frames_per_minute=0)

    for number, payload in enumerate(frames(bench.dialect.packager, FRAMES)):
        bench.notes.clear()
        session = bench.switch.session_of(1)
        assert session is not None
        ignored = session.ignored_responses
        responses = bench.feed(payload)

        place = (SEED, number)
        assert bench.notes or session.ignored_responses == ignored + 1, place
        assert len(responses) <= 1, place
        for response in responses:
            assert is_response(response.mti), place
            assert response[39] != "96", place
            assert not NEVER_RETURNED & response.elements.keys(), place
        if number % 100 == 0:
            bench.sent.clear()
            bench.sign_on()
            stan = f"{number + 1:06d}"
            honest_one = bench.inquiry({11: stan, 37: f"518108{stan}"})
            assert "00" == bench.ask(honest_one)[39], place


def test_garbage_on_one_link_spares_the_others() -> None:
    """
    With the limit on, the link of the garbage is closed and its neighbour stays signed on.
    """
    bench = Bench()
    bench.open(2)
    bench.sign_on(1)
    bench.sign_on(2)

    for payload in frames(bench.dialect.packager, 200):
        bench.feed(payload[:-1], 1)

    assert {1} == {close.link for close in bench.closed}
    assert "00" == bench.ask(bench.inquiry({11: "000777", 37: "518107000777"}), 2)[39]

"""The bench's own load: it writes what the emulator writes, and finds what a host does wrong.

That is each answer that is missing, doubled, another's, declined or no message; what a readable
one says of the member is looked at in the sample that is decoded.
"""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle

import pytest

from atm_switch.domain.secret import Key
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.load.callers import Caller, Card, callers_of
from terminal_emulator.load.run import Target
from terminal_emulator.load.schedule import constant
from terminal_emulator.load.stencil import Moment
from terminal_emulator.load.tally import Tally
from tests.bench.lean_line import WHOLE_EVERY, Form, Layouts, Stamp
from tests.bench.lean_load import LeanLoad
from tests.doubles.trivial_host import PACKAGER, PROFILE, TrivialHost, listening

CARDS = [Card("9990090000000012"), Card("99900900000000110")]
ASKED = 6 * WHOLE_EVERY
PATIENCE = 2.0
"""How long an answer that never comes is waited for."""
AS_LONG_AS_IT_TAKES = 60.0
"""How long one is that comes."""
FAULTY = 3 * WHOLE_EVERY + WHOLE_EVERY // 2
"""The inquiry whose answer a host spoils: one of those whose answers are read in place."""


class _Counting(TrivialHost):
    """Knows which inquiry it answers, of all links together."""

    count = 0

    def data_received(self, data: bytes) -> None:
        """Answer frame by frame, each as ``given`` has it."""
        self._buffer.receive(data)
        for frame in self._buffer.frames():
            answer = self.answer(frame.payload)
            if frame.payload.startswith(b"0200"):
                type(self).count += 1
                for one in self.given(answer):
                    self.say(one)
            else:
                self.say(answer)

    def say(self, payload: bytes) -> None:
        """Send one payload."""
        assert self._transport is not None
        self._transport.write(len(payload).to_bytes(2, "big") + payload)

    def given(self, answer: bytes) -> list[bytes]:
        """Return what is sent instead of a right answer."""
        return self.spoilt(answer) if self.count == FAULTY else [answer]

    def spoilt(self, answer: bytes) -> list[bytes]:
        """Return what is sent instead of one right answer."""
        return [answer]


def _host(spoil: Callable[[bytes], list[bytes]]) -> type[_Counting]:
    """A host that spoils one answer."""
    return type("_Spoiling", (_Counting,), {"count": 0, "spoilt": lambda _self, one: spoil(one)})


@asynccontextmanager
async def hosted(
    host: type[TrivialHost], seconds: float = AS_LONG_AS_IT_TAKES
) -> AsyncIterator[LeanLoad]:
    """A load on a host in this process, its links open."""
    chance = random.Random(1)  # noqa: S311 - STANs, not keys
    async with listening(host) as address:
        target = Target(address=address, profile=PROFILE, seconds=seconds)
        made = LeanLoad(target, _callers(3), 2, chance)
        await made.open()
        try:
            yield made
        finally:
            await made.close()


def _callers(count: int) -> list[Caller]:
    return callers_of([BARE_KIT], CARDS, count, PROFILE, datetime.now(UTC))


async def _asked(host: type[TrivialHost], seconds: float = AS_LONG_AS_IT_TAKES) -> Tally:
    async with hosted(host, seconds) as made:
        return await made.open_loop(constant(2_000, ASKED / 2_000))


def test_requests_are_those_of_the_emulator() -> None:
    """Byte for byte what the stencil writes, for cards of both lengths."""
    moment = Moment.of(datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC), BARE_KIT.station.zone)
    (caller,) = _callers(1)

    for stencil in caller.stencils:
        expected = stencil.frame("004711", moment)
        assert expected == Form.of(stencil).frame(b"004711", Stamp.of(moment))
    assert 2 == len(caller.stencils)


def test_signed_requests_are_left_to_the_emulator() -> None:
    """A form cannot be made of a request with a MAC."""
    kit = replace(BARE_KIT, mac_key=Key.from_hex("0123456789ABCDEFFEDCBA9876543210"))
    (caller,) = callers_of([kit], CARDS, 1, PROFILE, datetime.now(UTC))

    with pytest.raises(LookupError, match="another build"):
        Form.of(caller.stencils[0])


@pytest.mark.parametrize("name", ["bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"])
def test_dialects_that_are_not_text_are_not_read_in_place(name: str) -> None:
    """They are refused, and not misread."""
    with pytest.raises(LookupError):
        Layouts(load_profile(name))


async def test_right_answers_are_counted_and_a_sample_is_decoded_whole() -> None:
    """All are approved; one of fifty on each link was decoded, besides the first of a layout."""
    async with hosted(_host(lambda one: [one])) as made:
        tally = await made.open_loop(constant(2_000, ASKED / 2_000))

        assert ({"00": ASKED}, {}) == (tally.codes, tally.faults)
        assert ASKED // WHOLE_EVERY <= made.whole + 1 <= ASKED // WHOLE_EVERY + 6


async def test_the_warm_up_decodes_every_answer_whole() -> None:
    """Where it is said, none is read in place."""
    async with hosted(_host(lambda one: [one])) as made:
        made.decode_all(whole=True)
        tally = await made.open_loop(constant(500, 0.2))

        assert (100, 100) == (tally.answered, made.whole)


async def test_closed_loop_keeps_each_link_its_share() -> None:
    """Five under way on two links are three and two, whatever comes back."""
    under_way: list[list[int]] = []

    class Watched(_Counting):
        count = 0

        def given(self, answer: bytes) -> list[bytes]:
            under_way.append([len(line.asked) for line in made.lines])
            return [answer]

    async with hosted(Watched) as made:
        tally = await made.closed_loop(5, 0.3)

    assert [3, 2] == [max(one[link] for one in under_way) for link in (0, 1)]
    assert ({"00": tally.sent}, {}) == (tally.codes, tally.faults)


async def test_closed_loop_goes_on_after_an_answer_that_never_came() -> None:
    """The one that was given up is replaced, and counted as unanswered."""
    async with hosted(_host(lambda _answer: []), PATIENCE) as made:
        tally = await made.closed_loop(2, 1.5 * PATIENCE)

    assert {"unanswered": 1} == tally.faults
    assert tally.answered > FAULTY


@pytest.mark.parametrize(
    ("spoil", "faults", "lost"),
    [
        (lambda one: [one.replace(b"S1ABC", b"S1ABD").replace(b"L00", b"L99")],
         {"wrong answer": 1}, 1),
        (lambda one: [one.replace(b"0210", b"0230", 1)], {"wrong answer": 1}, 1),
        (lambda one: [one, one], {"duplicate answer": 1}, 0),
        (lambda _one: [], {"unanswered": 1}, 1),
        (lambda one: [one[:60]], {"answer that cannot be read": 1, "unanswered": 1}, 1),
        (lambda one: [_foreign(one), one], {"unexpected answer": 1}, 0),
        (lambda one: [_of_another_hour(one)], {"wrong answer": 1}, 1),
    ],
    ids=["terminal", "MTI", "doubled", "missing", "cut", "foreign", "reference"],
)  # fmt: skip
async def test_one_faulty_answer_is_found(
    spoil: Callable[[bytes], list[bytes]], faults: dict[str, int], lost: int
) -> None:
    """Amid answers that are read in place, one that is not as it should be is counted so."""
    waits = {"seconds": PATIENCE} if "unanswered" in faults else {}
    tally = await _asked(_host(spoil), **waits)

    assert faults == tally.faults
    assert {"00": ASKED - lost} == tally.codes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one[:-10],
        lambda one: one[:-10] + bytes(10),
        lambda one: one + b" " * 30,
        lambda one: one.replace(b"153JHTBAL", b"152JHTBAL"),
        lambda one: one.replace(b"153JHTBAL", b"1x3JHTBAL"),
        lambda one: one.replace(b"153JHTBAL", b"000JHTBAL"),
        lambda one: one.replace(b"JHTBAL", b"JHT\nAL"),
    ],
    ids=["cut", "NUL", "longer", "short length", "no length", "length 0", "control"],
)
async def test_one_answer_that_is_no_message_is_found(spoil: Callable[[bytes], bytes]) -> None:
    """Also where what is read in place is well, amid answers whose lengths vary behind it."""

    class Telling(_Counting):
        count = 0

        def given(self, answer: bytes) -> list[bytes]:
            told = _told(answer, self.count)
            return [spoil(told) if self.count == FAULTY else told]

    async with hosted(Telling, PATIENCE) as made:
        tally = await made.open_loop(constant(2_000, ASKED / 2_000))

        assert {"answer that cannot be read": 1, "unanswered": 1} == tally.faults
        assert {"00": ASKED - 1} == tally.codes
        assert made.whole <= ASKED // WHOLE_EVERY + 6  # the others were read in place


async def test_one_declined_answer_is_told_by_its_code() -> None:
    """DE39 is read of every answer."""
    tally = await _asked(_host(lambda one: [_declined(one)]))

    assert ({"00": ASKED - 1, "91": 1}, {}) == (tally.codes, tally.faults)


async def test_answers_in_any_pieces_are_put_together() -> None:
    """However few bytes a read brings, a frame is read once it is whole."""
    pieces = cycle([1, 2, 3, 5, 7])
    async with hosted(_host(lambda one: [one])) as made:
        for line in made.lean_lines:

            def cut(data: bytes, take: Callable[[bytes], None] = line.data_received) -> None:
                while data:
                    size = next(pieces)
                    take(data[:size])
                    data = data[size:]

            line.data_received = cut  # type: ignore[method-assign]
        tally = await made.open_loop(constant(500, 0.2))

    assert ({"00": 100}, {}) == (tally.codes, tally.faults)


async def test_a_broken_stream_ends_the_link() -> None:
    """A length that cannot be is a fault, and what is under way on the link is lost with it."""

    class Broken(_Counting):
        count = 0

        def given(self, answer: bytes) -> list[bytes]:
            return [b"", answer] if self.count == FAULTY else [answer]

    tally = await _asked(Broken)

    assert 1 == tally.faults["stream broken"]
    assert tally.answered + tally.faults["link lost"] == ASKED


def _declined(answer: bytes) -> bytes:
    message = PACKAGER.unpack(answer)
    return _packed(message, 39, "91")


def _of_another_hour(answer: bytes) -> bytes:
    message = PACKAGER.unpack(answer)
    return _packed(message, 37, "999999" + message[37][6:])


def _told(answer: bytes, count: int) -> bytes:
    """Add the elements that an approved answer has, two of them longer each time."""
    elements = {
        **PACKAGER.unpack(answer).elements,
        48: "JHTBAL".ljust(153, "0"), 54: "5" * 20, 62: "ABCDE" + "S" * (count % 70),
        63: "ABCDE" + "R" * (count % 300),
    }  # fmt: skip
    return PACKAGER.pack(IsoMessage("0210", dict(sorted(elements.items()))))


def _foreign(answer: bytes) -> bytes:
    message = PACKAGER.unpack(answer)
    return _packed(message, 11, f"{(int(message[11]) + 499_999) % 999_999:06d}")


def _packed(message: IsoMessage, number: int, text: str) -> bytes:
    return PACKAGER.pack(IsoMessage(message.mti, {**message.elements, number: text}))

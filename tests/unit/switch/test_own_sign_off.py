"""The switch's own sign-off: where it is due, what it says, and what ends the wait."""

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import KeepRecord
from atm_switch.switch.session import Session, SigningOn
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench


def left(bench: Bench) -> tuple[Session, IsoMessage]:
    """Have the switch leave a line it dialled; return what it knows of it and what it said."""
    session = bench.switch.session_of(1)
    assert session is not None
    session.signing_on, session.signed_on_as = SigningOn(0.0), BNI
    bench.perform(bench.switch.leave(bench.now))
    return session, bench.dialect.packager.unpack(bench.sent[-1].payload)


def opened() -> Bench:
    """One link."""
    bench = Bench()
    bench.open(1)
    return bench


def test_bank_that_signed_on_itself_is_not_signed_off() -> None:
    """Only where the sign-on was ours is the sign-off ours."""
    bench = opened()
    bench.sign_on()
    before = len(bench.sent)

    bench.perform(bench.switch.leave(bench.now))

    assert before == len(bench.sent)


def test_line_is_signed_off_from_then_on() -> None:
    """0800/002 with DE32 goes out once; ticks bring no sign-on again; a 0200 gets 58."""
    bench = opened()
    session, said = left(bench)
    count = len(bench.sent)

    bench.perform(bench.switch.leave(bench.now))
    bench.pass_time(60.0)

    assert ("0800", "002", "009") == (said.mti, said[70], said[32])
    assert count == len(bench.sent)
    assert session.signing_off == (said[7], said[11], said[70])
    assert "58" == bench.ask(bench.inquiry())[39]


@pytest.mark.parametrize(("element", "is_over"), [(0, True), (7, False), (11, False)])
def test_only_its_own_answer_ends_the_wait(element: int, *, is_over: bool) -> None:
    """DE7 and DE11 must be those that were sent."""
    bench = opened()
    session, said = left(bench)
    wrong = {7: "0101000000", 11: "999999"}.get(element)
    kept = {n: said[n] for n in (7, 11, 70)} | ({element: wrong} if wrong else {})

    bench.feed(bench.dialect.packager.pack(IsoMessage("0810", {**kept, 39: "00"})))

    assert is_over is (session.signing_off is None)
    assert is_over is ("signed off" in [note.event for note in bench.notes])


def test_sign_off_is_said_though_it_cannot_be_recorded() -> None:
    """A journal that is away keeps no bank from hearing that we leave."""
    bench = opened()
    bench.holds = (KeepRecord,)
    session = bench.switch.session_of(1)
    assert session is not None
    session.signing_on, session.signed_on_as = SigningOn(0.0), BNI
    bench.perform(bench.switch.leave(bench.now))
    (asked,) = bench.held

    bench.perform(bench.switch.answered(asked.ticket, JournalUnavailable("away"), bench.now))

    assert "002" == bench.dialect.packager.unpack(bench.sent[-1].payload)[70]

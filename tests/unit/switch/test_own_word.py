"""What the switch says by itself leaves signed, or not at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.switch.hsm_port import MakeMac
from atm_switch.switch.own_sign_on import AGAIN_SECONDS
from atm_switch.switch.session import SigningOn
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench
from tests.doubles.key_line import ask_for_keys
from tests.doubles.signed_line import is_signed, signing_bench

AWAY = NeighbourUnavailable("the HSM is not connected")
ECHO_SECONDS, ANSWER_SECONDS = 60.0, 30.0


def dialled(bench: Bench) -> None:
    """Open a link of our own: it signs on."""
    bench.open(2, BNI)
    bench.perform(bench.switch.dialled(2, 0.0, bench.now))


def silent(bench: Bench) -> None:
    """Let a signed-on link be silent until it is sent an echo."""
    bench.pass_time(ECHO_SECONDS + 1)


def leaving(bench: Bench) -> None:
    """Sign off where this switch has signed on, which it has on this link."""
    session = bench.switch.session_of(2)
    assert session is not None
    session.signed_on_as = BNI
    bench.perform(bench.switch.leave(bench.now))


def narrow(bench: Bench, longest: int) -> None:
    """Have its lines take no longer payload."""
    profile = bench.dialect.profile
    narrowed = replace(profile, framing=replace(profile.framing, payload_bytes_max=longest))
    object.__setattr__(bench.dialect, "profile", narrowed)


def without_hsm(bench: Bench) -> None:
    """Have it make no MAC."""
    bench.memory.faults[MakeMac] = AWAY


@pytest.mark.parametrize(
    ("says", "event"),
    [(dialled, "sign-on not sent"), (silent, "echo not sent"), (leaving, "sign-off not sent")],
)
def test_word_that_cannot_be_signed_is_not_said(says: Callable[[Bench], None], event: str) -> None:
    """Nothing leaves, nothing counts as a transaction, and the log says what and why."""
    bench = signing_bench()
    if says is leaving:
        dialled(bench)
    sent = len(bench.sent)
    without_hsm(bench)

    says(bench)

    assert sent == len(bench.sent)
    assert (event, True) == (bench.notes[-1].event, bench.notes[-1].is_alarm)
    assert "the HSM is not connected" == bench.notes[-1].fields["why"]
    assert "outcome" not in bench.notes[-1].fields
    assert 0 == bench.switch.in_flight


@pytest.mark.parametrize(
    ("says", "event"),
    [(dialled, "sign-on not sent"), (silent, "echo not sent"), (leaving, "sign-off not sent")],
)
def test_word_that_does_not_fit_its_frame_is_not_said(
    says: Callable[[Bench], None], event: str
) -> None:
    """Nor is its answer waited for: the line is not lost over what never left."""
    bench = signing_bench()
    if says is leaving:
        dialled(bench)
    sent = len(bench.sent)
    narrow(bench, 60)

    says(bench)
    session = bench.switch.session_of(1 if says is silent else 2)
    bench.pass_time(0.0)

    assert (sent, []) == (len(bench.sent), bench.closed)
    assert (event, True) == (bench.notes[-1].event, bench.notes[-1].is_alarm)
    assert "payload_bytes_max" in bench.notes[-1].fields["why"]
    assert session is not None
    waits_for = session.echo_stan, session.signing_off, session.signing_on
    if says is dialled:
        assert ("", None, SigningOn(bench.monotonic + AGAIN_SECONDS)) == waits_for
    else:
        assert ("", None, None) == waits_for


def test_key_that_does_not_fit_its_frame_is_not_delivered() -> None:
    """The 161 has its answer, the log says why no key follows, and no answer is waited for."""
    bench = signing_bench()
    narrow(bench, 100)

    (only,) = ask_for_keys(bench, "MAC")

    session = bench.switch.session_of(1)
    assert session is not None
    assert ("0810", "00", {}) == (only.mti, only[39], session.offers)
    assert "key delivery not sent" == bench.notes[-1].event


def test_key_that_cannot_be_signed_is_not_delivered() -> None:
    """Asked for while MACs can be made, made when none can: it is in the log, not on the line."""
    bench = signing_bench()
    real, made = bench.memory.answer, [0]

    def answer(question: object) -> object:
        made[0] += isinstance(question, MakeMac)
        return AWAY if isinstance(question, MakeMac) and made[0] > 1 else real(question)

    bench.memory.answer = answer  # type: ignore[method-assign]

    (only,) = ask_for_keys(bench, "MAC")

    session = bench.switch.session_of(1)
    assert session is not None
    assert ("0810", "00", {}) == (only.mti, only[39], session.offers)
    assert "key delivery not sent" == bench.notes[-1].event


def test_link_is_not_closed_for_an_echo_that_never_went_out() -> None:
    """As long as the HSM is away the link stays; then an echo goes out, signed, and counts."""
    bench = signing_bench()
    without_hsm(bench)
    for _ in range(10):
        bench.pass_time(ANSWER_SECONDS + 1)
    meanwhile, tried = list(bench.closed), bench.notes.copy()
    bench.memory.faults.clear()
    sent = len(bench.sent)
    bench.pass_time(ECHO_SECONDS)
    (echo,) = bench.sent[sent:]
    bench.pass_time(ANSWER_SECONDS + 1)

    assert [] == meanwhile
    assert 5 == len([note for note in tried if note.event == "echo not sent"])
    assert is_signed(bench, echo.payload)
    assert ["our echo was not answered"] == [one.reason for one in bench.closed]


def test_answer_is_waited_for_from_when_the_echo_left() -> None:
    """What the HSM took for the MAC is not the peer's time."""
    bench = signing_bench(echo_answer_seconds=5.0)
    bench.holds = (MakeMac,)
    silent(bench)
    bench.pass_time(5.5)
    bench.release()
    bench.pass_time(4.5)
    borne = list(bench.closed)
    bench.pass_time(1.0)

    assert [] == borne
    assert 1 == len(bench.closed)


def test_sign_on_that_could_not_be_signed_is_tried_again() -> None:
    """Some seconds later, on the same line; the wait for its answer begins when it has left."""
    bench = signing_bench()
    without_hsm(bench)
    dialled(bench)
    bench.memory.faults.clear()
    sent = len(bench.sent)
    bench.pass_time(AGAIN_SECONDS - 1)
    early = len(bench.sent)
    bench.pass_time(1)
    (said,) = bench.sent[early:]
    bench.pass_time(ANSWER_SECONDS)
    borne = list(bench.closed)
    bench.pass_time(1)

    assert (sent, []) == (early, borne)
    assert 2 == said.link
    assert is_signed(bench, said.payload)
    assert ["our sign-on was not answered"] == [one.reason for one in bench.closed]


def test_sign_on_where_no_mac_is_asked_for_is_believed_without() -> None:
    """A bank whose line has no MAC answers our sign-on, and the line is signed on."""
    bench = Bench()
    dialled(bench)
    said = bench.dialect.packager.unpack(bench.sent[-1].payload)
    answered = IsoMessage("0810", {n: said[n] for n in (7, 11, 70)} | {39: "00"})

    bench.feed(bench.dialect.packager.pack(answered), link=2)

    session = bench.switch.session_of(2)
    assert session is not None
    assert BNI == session.signed_on_as
    assert "signed on" in [note.event for note in bench.notes]

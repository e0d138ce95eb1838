"""Neighbours that are away, slow or broken: 91 or 96, never 00, never silence."""

import pytest

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable, NeighbourUnavailable
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.case import ENDING_SECONDS
from atm_switch.switch.hsm_port import VerifyPin
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import (
    Ask,
    Commit,
    FindAccount,
    FindCard,
    FindRepeat,
    FindSiblings,
    Reserve,
)
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDI, Bench, bank
from tests.doubles.inquiries import commits, de48, last_outcome, repeat_of, signed_on

Kind = type[Ask[object]]
JOURNAL: tuple[type, ...] = (FindRepeat, Reserve, Commit)
OTHERS: tuple[type, ...] = (FindCard, VerifyPin, FindSiblings, FindAccount)
each_kind = pytest.mark.parametrize("kind", JOURNAL + OTHERS, ids=lambda kind: kind.__name__)
REQUEST_SECONDS_MAX = 8


def by_number(bench: Bench) -> IsoMessage:
    """Ask for the own KPJ by its number: every kind of neighbour is asked then."""
    return bench.inquiry({48: de48(BUDI.digits, lookup=1)})


def feed_inquiry(bench: Bench) -> list[str]:
    """Send the inquiry; return the DE39 of what came back at once."""
    return [m[39] for m in bench.feed(bench.dialect.packager.pack(by_number(bench)))]


def held(kind: type) -> Bench:
    """Have an inquiry wait for an answer of this kind."""
    bench = signed_on()
    bench.holds = (kind,)
    assert [] == feed_inquiry(bench)
    assert 1 == bench.switch.in_flight == len(bench.held)
    bench.holds = ()
    return bench


@each_kind
@pytest.mark.parametrize(
    "fault",
    [
        LedgerUnavailable("away"),
        JournalUnavailable("away"),
        NeighbourUnavailable("away"),
        ValueError("a mistake of ours"),
        KeyError("another"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_every_fault_is_one_answer(kind: type, fault: Exception) -> None:
    """
    Whoever fails, in whatever way: one response, 91 for a neighbour, 96 for the journal or
    a mistake of ours, and no balance in it; then the switch is idle again.
    """
    bench = signed_on()
    bench.memory.faults[kind] = fault
    is_neighbour = isinstance(fault, NeighbourUnavailable)
    is_journal = isinstance(fault, JournalUnavailable) or kind is Commit

    response = bench.ask(by_number(bench))

    assert ("91" if is_neighbour and not is_journal else "96") == response[39]
    assert not {48, 54, 63} & response.elements.keys()
    assert (0, 0, {}) == (bench.switch.in_flight, bench.in_flight_of(1), bench.house.flights)


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_failed_inquiry_is_a_row_too(kind: type) -> None:
    """
    Whatever failed but the journal itself, row B says how it ended.
    """
    bench = signed_on()
    bench.memory.faults[kind] = LedgerUnavailable("away")

    bench.ask(by_number(bench))

    assert Outcome.LEDGER_UNAVAILABLE is last_outcome(bench)


def test_mistake_is_noted_by_its_place() -> None:
    """
    A mistake of ours is an alarm with the RRN, the type and the place - not its text, which
    might quote a card number.
    """
    bench = signed_on()
    bench.memory.faults[FindAccount] = ValueError("9990090000000012")

    bench.ask(bench.inquiry())

    note = bench.notes[-1]
    assert note.is_alarm
    assert ("518107000123", "internal_error") == (note.fields["rrn"], note.fields["outcome"])
    assert note.fields["reason"].startswith("ValueError at ")
    assert "9990090000000012" not in repr(note)


@each_kind
def test_silent_neighbour_is_given_up(kind: type) -> None:
    """
    What waits longer than the profile allows is answered: 96 where the journal is silent,
    91 where anybody else is; up to that moment nothing is said.
    """
    bench = held(kind)
    before = len(bench.sent)

    bench.pass_time(REQUEST_SECONDS_MAX)
    on_time = bench.sent[before:]
    bench.pass_time(0.1)

    assert [] == on_time
    (late,) = (bench.dialect.packager.unpack(send.payload) for send in bench.sent[before:])
    assert ("96" if kind in JOURNAL else "91") == late[39]
    assert (0, {}) == (bench.switch.in_flight, bench.house.flights)


@each_kind
def test_late_answer_is_ignored(kind: type) -> None:
    """
    An answer that comes after its question was given up is nobody's: nothing more is sent.
    Of a row B that was written after all the log has a word.
    """
    bench = held(kind)
    bench.pass_time(REQUEST_SECONDS_MAX + ENDING_SECONDS + 0.1)
    sent, notes = len(bench.sent), len(bench.notes)

    bench.release()

    assert (sent, notes + (kind is Commit)) == (len(bench.sent), len(bench.notes))


def test_silent_journal_after_silent_ledger() -> None:
    """
    A ledger given up and then a journal that cannot keep even that: one answer, 96.
    """
    bench = held(FindAccount)
    before = len(bench.sent)
    bench.holds = (Commit,)

    bench.pass_time(REQUEST_SECONDS_MAX + 0.1)
    waiting = bench.sent[before:]
    bench.pass_time(1)

    assert [] == waiting
    (only,) = bench.sent[before:]
    assert "96" == bench.dialect.packager.unpack(only.payload)[39]


def test_repeat_after_a_lost_commit_is_stored() -> None:
    """
    A commit that lands after it was given up still counts: the terminal saw 96, its repeat
    gets what the journal kept, and the PIN is not looked at again.
    """
    bench = held(Commit)
    request = by_number(bench)
    bench.pass_time(REQUEST_SECONDS_MAX + 0.1)
    bench.release()

    assert "00" == bench.ask(repeat_of(request.with_element(7, "0630072507")))[39]
    assert 1 == bench.memory.verifications


def test_overload_is_refused_at_once() -> None:
    """
    Beyond the most that may be under way an inquiry gets 91 and a row, and nobody else is
    asked; with room again it is answered.
    """
    bench = signed_on(in_flight_max=2)
    bench.holds = (FindAccount,)
    for stan in ("000001", "000002"):
        bench.feed(bench.dialect.packager.pack(bench.inquiry({11: stan})))
    asked = len(bench.memory.asked)

    (refused,) = bench.feed(bench.dialect.packager.pack(bench.inquiry({11: "000003"})))

    assert "91" == refused[39]
    assert ["Commit"] == [type(question).__name__ for question in bench.memory.asked[asked:]]

    bench.release()

    assert "00" == bench.ask(bench.inquiry({11: "000003"}))[39]


def test_answers_may_overtake_each_other() -> None:
    """
    Of two requests on one link the one answered first leaves first.
    """
    bench = signed_on(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.holds = (FindAccount,)
    for stan in ("000001", "000002"):
        bench.feed(bench.dialect.packager.pack(bench.inquiry({11: stan})))
    before = len(bench.sent)

    bench.held.reverse()
    bench.release()

    stans = [bench.dialect.packager.unpack(send.payload)[11] for send in bench.sent[before:]]
    assert ["000002", "000001"] == stans


def test_closed_link_is_sent_nothing() -> None:
    """
    An inquiry whose link went away is finished for the journal: a row, no message.
    """
    bench = held(FindAccount)
    before = len(bench.sent)

    bench.perform(bench.switch.closed(1, "gone"))
    bench.release()

    assert [] == bench.sent[before:]
    assert [Outcome.APPROVED] == [row.ending.outcome for row in commits(bench)]
    assert ("the link is gone", True) == (
        bench.notes[-1].fields["unsent"],
        bench.notes[-1].is_alarm,
    )
    assert 0 == bench.switch.in_flight


def test_reopened_link_hears_no_old_answer() -> None:
    """
    An answer for a link that went away does not reach a newer link of another number.
    """
    bench = held(FindAccount)
    bench.perform(bench.switch.closed(1, "gone"))
    bench.open(2)

    bench.release()

    assert [] == [send for send in bench.sent if send.link == 2]


def test_frame_of_unknown_link_is_nothing() -> None:
    """
    A frame of a link the switch does not know has no effect at all.
    """
    bench = signed_on()

    assert [] == bench.feed(b"0800822000000000000004000000000000000630072507000001301", link=7)

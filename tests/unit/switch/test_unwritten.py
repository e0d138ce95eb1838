"""A request that was given up while its row waits for the journal is not begun anew."""

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.case import Case
from atm_switch.switch.effects import Note
from atm_switch.switch.fleet import FleetWatch
from atm_switch.switch.ports import Commit, FindCard, RepeatKey, Reserve, StoredResponse
from atm_switch.switch.unwritten import Unwritten
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench
from tests.doubles.inquiries import commits, signed_on

GIVEN_UP_SECONDS = 9.5
"""Longer than a request may take, and its ending."""
KEY = RepeatKey("009", "S1ABC123", "0630072507", "000123", "518107000123")


def given_up(bench: Bench, *holds: type) -> IsoMessage:
    """Ask, and let the journal take so long that the request gets 96; return the repeat."""
    first = bench.inquiry()
    bench.holds = holds
    bench.feed(bench.dialect.packager.pack(first))
    bench.pass_time(GIVEN_UP_SECONDS)
    assert "96" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    return IsoMessage("0201", first.elements)


def case_of(bench: Bench, flight: RepeatKey | None) -> Case:
    """A request that leads ``flight``."""
    session = bench.switch.session_of(1)
    assert session is not None
    rule = bench.dialect.rules["0200"]
    return Case(bench.inquiry(), None, rule, session, bench.now, bench.now, flight=flight)


def test_repeat_is_declined_until_the_late_row_is_written_and_then_gets_its_answer() -> None:
    """One transaction, one PIN try: the row that was waited for in vain is the only one."""
    bench = signed_on()
    again = given_up(bench, Commit)

    assert "96" == bench.ask(again)[39]
    bench.release()

    assert "00" == bench.ask(again)[39]
    assert 1 == len(commits(bench))
    assert 1 == bench.memory.verifications
    assert 0 == len(bench.house.unwritten)


def test_repeat_is_declined_until_the_late_reservation_is_written() -> None:
    """Then it is a request cut off, as by a crash, and is processed anew."""
    bench = signed_on()
    again = given_up(bench, Reserve)

    assert "96" == bench.ask(again)[39]
    assert 0 == bench.memory.verifications
    bench.release()

    assert "00" == bench.ask(again)[39]
    assert 1 == bench.memory.verifications


def test_other_content_under_the_key_is_declined_as_well() -> None:
    """Whose key it is nobody knows before the row is there."""
    bench = signed_on()
    again = given_up(bench, Commit)

    assert "96" == bench.ask(again.with_element(22, "021"))[39]
    bench.release()

    assert "94" == bench.ask(again.with_element(22, "021"))[39]


def test_other_requests_go_on_meanwhile() -> None:
    """Only the request itself is held."""
    bench = signed_on()
    given_up(bench, Commit)
    held, bench.held, bench.holds = bench.held, [], ()
    other = {7: f"{bench.utc:%m%d%H%M%S}", 11: "000124", 37: "518107000124"}

    assert "00" == bench.ask(bench.inquiry(dict(other)))[39]
    assert 1 == len(held)


def test_only_a_row_of_a_request_that_leads_its_key_holds_it() -> None:
    """A reading given up, or a row of somebody else's key, leaves nothing behind."""
    unwritten, bench = Unwritten(), signed_on()
    bench.ask(bench.inquiry())
    commit = next(one for one in bench.memory.asked if isinstance(one, Commit))
    card = next(one for one in bench.memory.asked if isinstance(one, FindCard))

    own, others = case_of(bench, KEY), case_of(bench, None)

    unwritten.given_up(1, card, own)
    unwritten.given_up(2, commit, others)
    unwritten.given_up(3, None, own)

    assert KEY not in unwritten
    unwritten.given_up(4, commit, own)
    assert KEY in unwritten
    unwritten.heard(5, None)
    assert KEY in unwritten
    unwritten.heard(4, None)
    assert KEY not in unwritten


def late_rows(bench: Bench) -> list[Note]:
    """What was noted of rows nobody waited for any more."""
    return [note for note in bench.notes if note.event == "row written late"]


def test_row_that_says_what_nobody_was_told_is_noted() -> None:
    """The terminal got 96, the journal holds a 00: log, event and trace say so, by RRN and STAN."""
    bench = signed_on()
    given_up(bench, Commit)
    before = late_rows(bench)

    bench.release()

    (late,) = late_rows(bench)
    said = FleetWatch("s", 0).heard(late, 0.0)
    (told,) = [one.body for one in said]
    assert ([], True, "00") == (before, late.is_alarm, late.fields["de39"])
    assert ("518107000123", "000123") == (late.fields["rrn"], late.fields["stan"])
    assert ("answer unsent", "row written late 00") == (told["what"], told["subject"])
    assert str(told["reason"]).startswith("STAN 000123: ")
    assert "outcome" not in late.fields  # it is no second transaction


@pytest.mark.parametrize("answer", [JournalUnavailable("away"), StoredResponse(bytes(32), b"0210")])
def test_row_that_was_never_written_is_not_noted(answer: object) -> None:
    """The journal failed after all, or another process had answered."""
    bench = signed_on()
    given_up(bench, Commit)
    bench.memory.faults[Commit] = answer

    bench.release()

    assert [] == late_rows(bench)


def test_row_written_in_time_is_not_noted() -> None:
    """Nor is a reservation, which says nothing of an answer."""
    bench = signed_on()
    bench.ask(bench.inquiry({11: "000124", 37: "518107000124"}))
    given_up(bench, Reserve)
    bench.release()

    assert [] == late_rows(bench)

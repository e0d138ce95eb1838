"""A request that was given up while its row waits for the journal is not begun anew."""

from atm_switch.switch.ports import Commit, FindCard, RepeatKey, Reserve
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

    unwritten.given_up(1, card, KEY)
    unwritten.given_up(2, commit, None)
    unwritten.given_up(3, None, KEY)

    assert KEY not in unwritten
    unwritten.given_up(4, commit, KEY)
    assert KEY in unwritten
    unwritten.heard(5)
    assert KEY in unwritten
    unwritten.heard(4)
    assert KEY not in unwritten

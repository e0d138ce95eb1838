"""Which terminals are heard, which fell silent, and when there is too much at once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.switch.crowd import OF_TERMINAL, SURPLUS
from atm_switch.switch.effects import Note
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.fleet import OVERLOAD_QUIET_SECONDS, TERMINALS_MAX, FleetWatch
from atm_switch.switch.notes import unsent
from tests.doubles.event_kinds import hung_up_on, sign_on_refused, transaction_note


def states(told: list[Announce]) -> list[tuple[str, str]]:
    """Terminal and state of each."""
    return [(one.terminal, str(one.body["state"])) for one in told]


def test_terminal_is_active_from_its_first_request() -> None:
    """Said once, whatever the answer was, and not again."""
    fleet = FleetWatch("s", 60)

    told = [*fleet.heard(transaction_note("wrong_pin"), 0), *fleet.heard(transaction_note(), 1)]

    assert [("ATM00001", "active")] == states(told)


def test_terminal_falls_silent_once() -> None:
    """After so many seconds, said once; and when it is heard it is active again."""
    fleet = FleetWatch("s", 60)
    [*fleet.heard(transaction_note(), 0)]

    told = [
        *fleet.tick(59.9),
        *fleet.tick(60),
        *fleet.tick(90),
        *fleet.heard(transaction_note(), 91),
    ]

    assert [("ATM00001", "silent"), ("ATM00001", "active")] == states(told)
    assert 60 == told[0].body["silent_seconds"]


def test_answer_that_did_not_leave_is_told() -> None:
    """Of which terminal, by its STAN, and why; one that left is not."""
    fleet = FleetWatch("s", 0)
    note = transaction_note()
    [*fleet.heard(note, 0)]

    (told,) = fleet.heard(unsent(note, is_late=False), 1)

    assert (EventKind.SESSION, "009", "ATM00001") == (told.kind, told.acquirer, told.terminal)
    assert "answer unsent" == told.body["what"]
    assert str(told.body["reason"]).endswith(": the link is gone")


def test_silence_is_never_told_where_it_is_off() -> None:
    """0 seconds: nobody is silent."""
    fleet = FleetWatch("s", 0)
    [*fleet.heard(transaction_note(), 0)]

    assert [] == [*fleet.tick(1e9)]


def test_those_active_before_a_start_may_fall_silent() -> None:
    """A terminal that is gone when the switch comes back is told all the same."""
    fleet = FleetWatch("s", 60)
    fleet.remember([("009", "ATM00009")], 100)

    assert [] == [*fleet.tick(159)]
    assert [("ATM00009", "silent")] == states([*fleet.tick(160)])


def test_who_proves_nothing_is_no_terminal() -> None:
    """Anybody may name a terminal in a request that is refused for want of proof."""
    fleet = FleetWatch("s", 60)
    refused = ("not_signed_on", "mac_wrong", "format_error", "terminal_not_listed")

    assert [] == [one for outcome in refused for one in fleet.heard(transaction_note(outcome), 0)]


def test_terminals_are_bounded() -> None:
    """A bank that names ever new terminals costs the oldest, not the memory."""
    fleet = FleetWatch("s", 60)

    for number in range(TERMINALS_MAX + 10):
        [*fleet.heard(transaction_note(terminal=f"{number:08d}"), number)]

    assert TERMINALS_MAX == fleet.terminals


def test_overload_begins_and_ends_once() -> None:
    """However many are declined, two events: with the first, and when it has been quiet."""
    fleet = FleetWatch("s", 60)
    surplus = transaction_note("ledger_unavailable", "", SURPLUS)

    began = [one for at in range(5) for one in fleet.heard(surplus, at)]
    still = [*fleet.tick(4 + OVERLOAD_QUIET_SECONDS - 0.1)]
    ended = [*fleet.tick(4 + OVERLOAD_QUIET_SECONDS), *fleet.tick(100)]

    assert [{"state": "began", "declined": 1}] == [one.body for one in began]
    assert [] == still
    assert [{"state": "ended", "declined": 5}] == [one.body for one in ended]
    assert {EventKind.OVERLOAD} == {one.kind for one in (*began, *ended)}


def test_terminal_that_asks_too_much_at_once_is_no_overload() -> None:
    """The switch has room for all others."""
    fleet = FleetWatch("s", 60)

    told = [*fleet.heard(transaction_note("ledger_unavailable", "", OF_TERMINAL), 1.0)]

    assert EventKind.OVERLOAD not in {one.kind for one in told}


def test_refused_sign_on_is_a_security_event() -> None:
    """A certificate of another bank is told, with the bank it was shown for."""
    (told,) = FleetWatch("s", 60).heard(sign_on_refused(), 0)

    assert (EventKind.SECURITY, "009", "") == (told.kind, told.acquirer, told.terminal)
    assert "sign-on refused" == told.body["what"]


@pytest.mark.parametrize("event", ["framing broken", "too many bad frames"])
@pytest.mark.parametrize("acquirer", ["009", ""])
def test_link_that_is_hung_up_on_is_a_security_event(event: str, acquirer: str) -> None:
    """Of its bank, or of none, with its peer and why."""
    (told,) = FleetWatch("s", 60).heard(hung_up_on(event, acquirer), 0)

    body = {
        "what": "link refused", "peer": "10.0.0.1:4001", "subject": event,
        "reason": "length 65535 is impossible; 1 within a minute",
    }  # fmt: skip
    assert Announce(EventKind.SECURITY, acquirer, "", body) == told


def test_links_without_end_are_few_events_for_each_reason_and_bank() -> None:
    """A peer that opens links only to have them ended fills no outbox and hides no other bank's."""
    fleet = FleetWatch("s", 60)
    kinds = [(one, bank) for one in ("framing broken", "too many bad frames") for bank in "12"]

    told = [
        announce
        for at in range(1000)
        for kind in kinds
        for announce in fleet.heard(hung_up_on(*kind), at / 20)
    ]

    heard = Counter((str(one.body["subject"]), one.acquirer) for one in told)
    assert dict.fromkeys(kinds, 10) == heard
    assert str(told[-1].body["reason"]).endswith("; 512 within a minute")


def test_flood_of_refusals_is_few_events() -> None:
    """A thousand within a minute are ten events, the last of the 512th."""
    fleet = FleetWatch("s", 60)

    told = [one for _ in range(1000) for one in fleet.heard(sign_on_refused(), 1)]

    assert [1 << bit for bit in range(10)] == [one.body["within_a_minute"] for one in told]


def test_notes_without_outcome_are_none_of_its_business() -> None:
    """Links that open and close move no terminal."""
    assert [] == [*FleetWatch("s", 60).heard(Note("link opened", {"link": 1}), 0)]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), max_size=60))
def test_states_of_a_terminal_alternate(moves: list[tuple[int, float]]) -> None:
    """Active and silent take turns for each terminal, whatever happens in what order."""
    fleet, now, told = FleetWatch("s", 20), 0.0, []

    for terminal, seconds in moves:
        now += seconds
        told += [
            *fleet.tick(now),
            *fleet.heard(transaction_note(terminal=f"ATM{terminal:05d}"), now),
        ]

    for number in range(4):
        mine = [state for name, state in states(told) if name == f"ATM{number:05d}"]
        assert mine == ["active", "silent"] * (len(mine) // 2) + ["active"] * (len(mine) % 2)

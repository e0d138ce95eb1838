"""While the journal stands still, whoever comes is told 96 at once, and nothing piles up."""

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.balance_inquiry import STANDS_STILL
from atm_switch.switch.journal_gate import PATIENCE
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import ASKS_LEDGER, Commit, Reserve
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDI, PIN, Bench, bank
from tests.doubles.inquiries import commits, repeat_of, reservations, signed_on

BUDGET = 8.0
"""``request_seconds_max`` of the profile."""
PATIENT_SECONDS = PATIENCE * BUDGET
MOMENT = 0.1
ANOTHER_PAN = "9990090000000020"
BY_POLICY = [(PinPolicy.ACQUIRER, Commit), (PinPolicy.ISSUER, Reserve)]
"""Which row comes first under either policy."""


def numbered(bench: Bench, number: int) -> IsoMessage:
    """Write an inquiry with a STAN of its own."""
    return bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}"})


def begun(bench: Bench, number: int) -> list[IsoMessage]:
    """Ask; return what was answered at once."""
    return bench.feed(bench.dialect.packager.pack(numbered(bench, number)))


def waiting(pin: PinPolicy, row: type, seconds: float) -> Bench:
    """A switch whose journal has kept a row waiting for so long."""
    bench = signed_on(banks=(bank(pin=pin),))
    bench.holds = (row,)
    assert [] == begun(bench, 1)
    bench.pass_time(seconds)
    return bench


@pytest.mark.parametrize(("pin", "row"), BY_POLICY)
def test_new_request_is_told_at_once_and_costs_nothing(pin: PinPolicy, row: type) -> None:
    """96 without a row, a PIN try or a question to the ledger; the log says why."""
    bench = waiting(pin, row, PATIENT_SECONDS + MOMENT)
    asked_before = len(bench.memory.asked)

    (response,) = begun(bench, 2)

    assert "96" == response[39]
    assert STANDS_STILL == bench.notes[-1].fields["reason"]
    assert not [one for one in bench.memory.asked[asked_before:] if isinstance(one, ASKS_LEDGER)]
    assert 1 == len(bench.held)
    assert not commits(bench)
    assert not reservations(bench)


@pytest.mark.parametrize(("pin", "row"), BY_POLICY)
def test_slow_journal_is_waited_for(pin: PinPolicy, row: type) -> None:
    """A row may take half of what its request may: whoever comes until then waits with it."""
    bench = waiting(pin, row, PATIENT_SECONDS - MOMENT)

    assert [] == begun(bench, 2)
    bench.release()

    assert ["00", "00"] == [
        bench.dialect.packager.unpack(send.payload)[39] for send in bench.sent[-2:]
    ]


@pytest.mark.parametrize(("pin", "row"), BY_POLICY)
def test_first_row_that_is_answered_opens_the_way(pin: PinPolicy, row: type) -> None:
    """Written or not: the journal answers again, so the next request has its row."""
    for answer in (None, JournalUnavailable("full")):
        bench = waiting(pin, row, PATIENT_SECONDS + MOMENT)
        assert ["96"] == [one[39] for one in begun(bench, 2)]
        if answer is None:
            bench.release()
        else:
            (held,) = bench.held
            bench.held.clear()
            bench.holds = ()
            bench.perform(bench.switch.answered(held.ticket, answer, bench.now))

        assert ["00"] == [one[39] for one in begun(bench, 3)]


def test_one_row_at_a_time_finds_out_once_one_was_given_up() -> None:
    """A journal that never answers is asked again and again, by one request, not by a crowd."""
    bench = waiting(PinPolicy.ACQUIRER, Commit, PATIENT_SECONDS - MOMENT)
    assert [] == begun(bench, 2)
    bench.pass_time(PATIENT_SECONDS + BUDGET)  # both are given up
    assert 2 == len(bench.held)

    assert [] == begun(bench, 3)
    assert ["96"] == [one[39] for one in begun(bench, 4)]
    assert 3 == len(bench.held)
    bench.pass_time(BUDGET + MOMENT)  # the one that was to find out is given up, too
    assert [] == begun(bench, 5)
    assert ["96"] == [one[39] for one in begun(bench, 6)]


@pytest.mark.parametrize("answer", [None, JournalUnavailable("full")])
def test_way_is_open_again_when_the_one_that_finds_out_is_answered(
    answer: JournalUnavailable | None,
) -> None:
    """Written or not, it was answered: as many as come may ask."""
    bench = waiting(PinPolicy.ACQUIRER, Commit, BUDGET + MOMENT)
    assert [] == begun(bench, 2)
    finding_out = bench.held[-1]

    bench.perform(bench.switch.answered(finding_out.ticket, answer, bench.now))

    assert [] == begun(bench, 3)
    assert [] == begun(bench, 4)
    assert 4 == len(bench.held)


def test_never_more_wait_than_came_in_half_the_time_of_a_request() -> None:
    """Ten requests a second for a minute: each is answered in time, and the crowd is bounded."""
    bench = signed_on(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.holds = (Commit,)
    most = 0
    for number in range(600):
        begun(bench, number)
        bench.pass_time(MOMENT)
        most = max(most, bench.in_flight_of(1))

    assert PATIENT_SECONDS / MOMENT <= most <= PATIENT_SECONDS / MOMENT + 2
    assert 0 == len(commits(bench))


def test_repeat_is_answered_while_the_journal_stands_still() -> None:
    """What was kept is read, and wants no row."""
    bench = signed_on(banks=(bank(pin=PinPolicy.ACQUIRER),))
    first = numbered(bench, 1)
    given = bench.ask(first)
    bench.holds = (Commit,)
    assert [] == begun(bench, 2)
    bench.pass_time(PATIENT_SECONDS + MOMENT)

    assert given[48] == bench.ask(repeat_of(first))[48]


def test_decline_is_told_96_at_once_too() -> None:
    """A no wants its row like a yes; without one it would be told and forgotten."""
    bench = waiting(PinPolicy.ACQUIRER, Commit, PATIENT_SECONDS + MOMENT)

    assert "96" == bench.ask(bench.inquiry({11: "000002", 18: "0000"}))[39]
    assert 1 == len(bench.held)


def test_request_with_a_reserved_try_asks_for_its_second_row_all_the_same() -> None:
    """A row A without its B would be in doubt."""
    bench = signed_on()
    bench.link_card(ANOTHER_PAN, BUDI, PIN)  # inquiries of one card take turns
    bench.holds = (Commit,)
    assert [] == begun(bench, 1)  # its A is written, its B waits
    bench.holds = (Commit, Reserve)
    card: dict[int, str] = {2: ANOTHER_PAN, 52: bench.pin_block(pan=ANOTHER_PAN)}
    other = IsoMessage("0200", {**numbered(bench, 2).elements, **card})
    assert [] == bench.feed(bench.dialect.packager.pack(other))
    bench.holds = (Commit,)
    bench.pass_time(PATIENT_SECONDS + MOMENT)
    (first, second) = bench.held
    bench.held = [first]
    answer = bench.memory.answer(second.question)

    bench.perform(bench.switch.answered(second.ticket, answer, bench.now))

    assert 2 == len(bench.held)
    assert isinstance(bench.held[-1].question, Commit)

"""One deadline a request, from its first byte; and a ledger that fails is left alone."""

import pytest

from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.settings.sections import Limits
from atm_switch.switch.breaker import AGAIN_SECONDS, FAILURES_MAX
from atm_switch.switch.case import ENDING_SECONDS, LATE_SECONDS
from atm_switch.switch.crowd import OF_TERMINAL
from atm_switch.switch.effects import Asked, Effect
from atm_switch.switch.ledger_gate import PROBE_SECONDS_MAX
from atm_switch.switch.ports import ASKS_LEDGER, Commit, FindAccount, FindCard
from atm_switch.wire.framing import Frame
from tests.doubles.bench import Bench
from tests.doubles.inquiries import commits, signed_on

BUDGET = 8.0
"""``request_seconds_max`` of the profile."""


def numbered(bench: Bench, number: int) -> str:
    """Ask with a STAN of its own; return DE39."""
    return bench.ask(bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}"}))[39]


def ledger_questions(bench: Bench) -> int:
    """Count what the registry and the ledger were asked."""
    return sum(isinstance(one, ASKS_LEDGER) for one in bench.memory.asked)


def away(bench: Bench) -> None:
    """Have the registry answer nothing."""
    bench.memory.faults[FindCard] = LedgerUnavailable("away")


def test_deadline_counts_from_the_first_byte() -> None:
    """A frame that dripped for five seconds leaves three to whoever is asked."""
    bench = signed_on()
    payload = bench.dialect.packager.pack(bench.inquiry())

    (asked,) = [
        one
        for one in bench.switch.received(1, Frame(b"", payload), bench.now, bench.monotonic - 5)
        if isinstance(one, Asked)
    ]

    assert bench.monotonic + 3 == asked.deadline


def test_deadline_is_the_same_for_every_question_of_a_request() -> None:
    """Time one neighbour took is not given to the next."""
    bench = signed_on()
    bench.holds = (FindAccount,)
    began = bench.monotonic
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))

    assert began + BUDGET == bench.held[0].deadline


@pytest.mark.parametrize(("took", "more"), [(1.0, 0.0), (7.5, 0.5), (8.0, 1.0)])
def test_row_of_an_answer_that_is_decided_has_a_second_at_least(took: float, more: float) -> None:
    """Behind the deadline where need be; nothing else is given that."""
    bench = signed_on()
    bench.holds = (FindAccount, Commit)
    began = bench.monotonic
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    (account,), bench.held = bench.held, []
    bench.monotonic += took
    answer = bench.memory.answer(account.question)
    bench.perform(bench.switch.answered(account.ticket, answer, bench.now))

    assert (began + BUDGET, [began + BUDGET + more]) == (
        account.deadline, [row.deadline for row in bench.held]
    )  # fmt: skip


def test_late_result_is_journaled_and_not_sent() -> None:
    """A switch that stood still past the deadline writes its row and says nothing."""
    bench = signed_on()
    bench.holds = (Commit,)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    sent = len(bench.sent)
    bench.monotonic += BUDGET + LATE_SECONDS + 0.1  # no tick came meanwhile

    bench.release()

    assert sent == len(bench.sent)
    assert 1 == len(commits(bench))
    assert bench.notes[-1].fields["late"]
    assert "too late" == bench.notes[-1].fields["unsent"]
    assert 0 == bench.switch.in_flight == bench.in_flight_of(1)


def test_slowest_frame_that_is_taken_is_answered() -> None:
    """
    A frame may take as long as an answer may be late: whole at the last moment
    (``frame_seconds_max``), it has its answer at once, 91, and the ledger is not asked; a
    little later there is none.
    """
    bench = signed_on()
    frame_seconds_max = Limits().frame_seconds_max
    answers = []
    for number, dripped in enumerate((frame_seconds_max, frame_seconds_max + 0.1)):
        asked = bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}"})
        frame = Frame(b"", bench.dialect.packager.pack(asked))
        before = len(bench.sent)
        bench.perform(bench.switch.received(1, frame, bench.now, bench.monotonic - dripped))
        answers.append(len(bench.sent) - before)

    assert BUDGET + LATE_SECONDS == frame_seconds_max
    assert [1, 0] == answers
    assert ["91", "91"] == [one.ending.response_code for one in commits(bench)]
    assert 0 == ledger_questions(bench)


@pytest.mark.parametrize("is_mistake", [True, False], ids=["failed on", "unreadable"])
def test_request_that_was_not_read_counts_from_its_first_byte_too(*, is_mistake: bool) -> None:
    """As one with a corridor: its time is that, and an answer that comes too late stays here."""
    bench = signed_on()
    bench.perform(refused(bench, bench.monotonic - BUDGET, is_mistake=is_mistake))
    assert "unsent" not in bench.notes[-1].fields
    assert not is_mistake or BUDGET * 1000 == bench.notes[-1].fields["ms"]

    too_long = BUDGET + LATE_SECONDS + 0.1
    bench.perform(refused(bench, bench.monotonic - too_long, is_mistake=is_mistake))
    assert "too late" == bench.notes[-1].fields["unsent"]


def refused(bench: Bench, began: float, *, is_mistake: bool) -> list[Effect]:
    """Feed a frame, whose first byte came at ``began``, that is torn or meets a mistake."""
    payload = bench.dialect.packager.pack(bench.inquiry())
    if is_mistake:
        return bench.switch.failed(1, Frame(b"", payload), "here.py:1", bench.now, began)
    return bench.switch.received(1, Frame(b"", payload[:-2]), bench.now, began)


def test_row_of_an_answer_at_the_deadline_has_time_of_its_own() -> None:
    """A ledger given up at the deadline is 91, though the journal is not done at the next tick."""
    bench = signed_on()
    bench.holds = (FindAccount, Commit)
    bench.feed(bench.dialect.packager.pack(bench.inquiry()))
    bench.pass_time(BUDGET + 0.1)
    bench.held = [one for one in bench.held if isinstance(one.question, Commit)]

    bench.pass_time(ENDING_SECONDS - 0.2)
    bench.release()

    assert "91" == bench.dialect.packager.unpack(bench.sent[-1].payload)[39]
    assert ["91"] == [one.ending.response_code for one in commits(bench)]


def test_stale_request_costs_the_ledger_nothing() -> None:
    """A DE7 of an hour ago is 68 before the registry or the ledger is asked."""
    bench = signed_on()

    assert "68" == bench.ask(bench.inquiry({7: "0630062507"}))[39]
    assert 0 == ledger_questions(bench)


def test_open_breaker_answers_91_without_asking() -> None:
    """After five failures in a row the sixth inquiry is 91 and reaches nobody."""
    bench = signed_on()
    away(bench)
    failed = [numbered(bench, number) for number in range(FAILURES_MAX)]
    asked = ledger_questions(bench)

    assert ["91"] * FAILURES_MAX == failed
    assert "91" == numbered(bench, 6)
    assert asked == ledger_questions(bench)
    assert bench.switch.refuses_ledger
    assert ["ledger not asked any more"] == [n.event for n in bench.notes if "asked" in n.event]


def test_ledger_that_is_back_serves_within_a_second() -> None:
    """The next question a quarter of a second later finds it; from then on everybody is served."""
    bench = signed_on()
    away(bench)
    for number in range(20):
        numbered(bench, number)
    del bench.memory.faults[FindCard]

    bench.pass_time(AGAIN_SECONDS)

    assert ["00", "00"] == [numbered(bench, number) for number in (21, 22)]
    assert not bench.switch.refuses_ledger


def test_ledger_that_is_back_is_found_without_an_inquiry() -> None:
    """
    A switch that no bank asks any more asks by itself, twice a second and what failed last;
    the first answer opens the way, and then it asks no more.
    """
    bench = signed_on()
    away(bench)
    for number in range(FAILURES_MAX):
        numbered(bench, number)
    asked = ledger_questions(bench)
    for _ in range(4):
        bench.pass_time(AGAIN_SECONDS)
    still_shut = bench.switch.refuses_ledger
    del bench.memory.faults[FindCard]
    for _ in range(4):
        bench.pass_time(AGAIN_SECONDS)

    assert still_shut
    assert not bench.switch.refuses_ledger
    assert asked + 5 == ledger_questions(bench)
    assert 0 == bench.switch.in_flight
    assert "ledger asked again" == bench.notes[-1].event


def test_own_question_that_hangs_is_one_at_a_time() -> None:
    """While the answer is waited for no other is put; one that comes late changes nothing."""
    bench = signed_on()
    away(bench)
    for number in range(FAILURES_MAX):
        numbered(bench, number)
    bench.holds = (FindCard,)
    for _ in range(3):
        bench.pass_time(AGAIN_SECONDS)
    assert 1 == len(bench.held)
    bench.pass_time(PROBE_SECONDS_MAX)
    late, newest = bench.held
    del bench.memory.faults[FindCard]

    for asked, is_shut in ((late, True), (newest, False)):
        answer = bench.memory.answer(asked.question)
        bench.perform(bench.switch.answered(asked.ticket, answer, bench.now))
        assert is_shut is bench.switch.refuses_ledger


def test_answer_in_between_keeps_the_breaker_closed() -> None:
    """Four failures, an answer, four failures: every one was asked."""
    bench = signed_on()
    for turn in range(3):
        away(bench)
        for number in range(FAILURES_MAX - 1):
            numbered(bench, 10 * turn + number)
        del bench.memory.faults[FindCard]
        assert "00" == numbered(bench, 10 * turn + 9)

    assert not bench.switch.refuses_ledger


@pytest.mark.parametrize("limit", [1, 4, 8])
def test_overload_is_over_at_three_quarters(limit: int) -> None:
    """At the limit 91 at once; room again when a quarter has been answered, not before."""
    bench = signed_on(in_flight_max=limit)
    bench.holds = (FindCard,)
    for number in range(limit):
        request = bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}"})
        bench.feed(bench.dialect.packager.pack(request))
    assert "91" == numbered(bench, 100)
    room_at = 3 * limit // 4
    held, bench.holds = bench.held, ()
    for number, asked in enumerate(held, 1):
        answer = bench.memory.answer(asked.question)
        bench.perform(bench.switch.answered(asked.ticket, answer, bench.now))
        has_room = limit - number <= room_at
        assert ("00" if has_room else "91") == numbered(bench, 200 + number)


def test_one_terminal_does_not_fill_the_switch() -> None:
    """With two under way a terminal's third is 91 at once; another terminal is served."""
    bench = signed_on(in_flight_per_terminal_max=2)
    bench.holds = (FindCard,)
    for number in (1, 2):
        request = bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}"})
        bench.feed(bench.dialect.packager.pack(request))
    third = numbered(bench, 3)
    bench.holds = ()

    other = bench.inquiry({11: "000004", 37: "518107000004", 41: "S1ABC999"})
    assert ("91", "00") == (third, bench.ask(other)[39])
    assert OF_TERMINAL in [one.fields.get("reason") for one in bench.notes]
    bench.release()
    assert "00" == numbered(bench, 5)


def test_link_that_has_not_signed_on_takes_no_terminals_place() -> None:
    """Its inquiries, in the name of any terminal, wait to be journaled; the terminal is served."""
    bench = signed_on(in_flight_per_terminal_max=1)
    bench.open(2)
    bench.holds = (Commit,)
    for number in (1, 2):
        request = bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}"})
        bench.feed(bench.dialect.packager.pack(request), 2)
    bench.holds = ()

    assert "00" == numbered(bench, 3)

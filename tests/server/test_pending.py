"""What no request waits for is asked of the journal until it is written, in its order."""

from collections import Counter
from typing import Any

import pytest

from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.server import journal_bell
from atm_switch.server.journal_bell import AT_ONCE, TICKETS_FROM, Pending
from atm_switch.switch.event import SWITCH, Announce, EventKind
from atm_switch.switch.ports import AuditRecord, KeepRecord

AWAY = JournalUnavailable("the journal could not write: SQLITE_BUSY")


def of(terminal: int, state: str = "silent") -> Announce:
    """What is told of a terminal."""
    return Announce(EventKind.STATUS, "009", f"ATM{terminal:05d}", {"state": state})


def overload(state: str) -> Announce:
    """What is told of a crowd."""
    return Announce(EventKind.OVERLOAD, SWITCH, "switch", {"state": state})


def refused(number: int) -> KeepRecord:
    """A record of the audit."""
    return KeepRecord(AuditRecord("peer refused", f"10.0.0.1:{number}", "connection", "too many"))


class Journal:
    """Takes questions, and answers when it is told to."""

    def __init__(self) -> None:
        """Take all."""
        self.asked: list[tuple[int, Any]] = []
        self.written: list[Any] = []
        self.is_full = False
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.counts = Counter[str]()
        self.pending = Pending(
            self._ask, lambda event, **said: self.said.append((event, said)), self.counts
        )

    def _ask(self, question: Any, ticket: int) -> None:
        if self.is_full:
            raise JournalUnavailable("too many rows wait for the journal")
        self.asked.append((ticket, question))

    def answer(self, failure: Exception | None = None, count: int = AT_ONCE) -> None:
        """Answer what was asked so far, the first of it."""
        some, self.asked = self.asked[:count], self.asked[count:]
        self.written += [] if failure else [question for _, question in some]
        for ticket, _ in some:
            self.pending.heard(ticket, failure)

    def go_on(self) -> None:
        """Write whatever comes, tick by tick."""
        while len(self.pending):
            self.pending.again()
            self.answer()


def test_what_the_journal_refused_is_written_when_it_can() -> None:
    """One that answers with a failure is asked again at the tick, as one that takes nothing."""
    journal = Journal()
    journal.pending.keep(of(1))
    journal.answer(AWAY)
    journal.is_full = True
    journal.pending.again()
    journal.pending.keep(refused(1))
    waiting = len(journal.pending), list(journal.written)
    journal.is_full = False
    journal.go_on()

    assert (2, []) == waiting
    assert [of(1), refused(1)] == journal.written
    assert 0 == len(journal.pending)
    assert [("event kept for later", {"kind": "status", "reason": str(AWAY)})] == journal.said


def test_nothing_overtakes_what_is_of_its_topic() -> None:
    """
    A crowd that came and went, a terminal silent and heard, records of the audit: whatever fails
    between two batches of the writer, each stands in the journal in its order.
    """
    journal = Journal()
    told: list[Announce | KeepRecord] = [overload("began"), of(1), refused(1)]
    then: list[Announce | KeepRecord] = [overload("ended"), of(1, "active"), refused(2)]
    for one in (*told, *then):
        journal.pending.keep(one)
    for failure in (AWAY, None, AWAY, None, AWAY):
        journal.pending.again()
        journal.answer(failure, count=1)
    journal.go_on()

    assert 6 == len(journal.written)
    for first, second in zip(told, then, strict=True):
        assert journal.written.index(first) < journal.written.index(second)


def test_while_all_goes_well_none_waits_for_a_tick() -> None:
    """What comes while answers are awaited is asked for with the next of them."""
    journal = Journal()
    for number in range(3 * AT_ONCE):
        journal.pending.keep(of(number))
    while journal.asked:
        journal.answer()

    assert [of(number) for number in range(3 * AT_ONCE)] == journal.written
    assert [] == journal.said


def test_ticket_is_none_of_the_cores() -> None:
    """Nor one of the journal's own; an answer to another is nobody's affair here."""
    journal = Journal()
    journal.pending.keep(of(1))
    journal.pending.heard(1, AWAY)
    journal.pending.heard(-1, AWAY)

    assert [TICKETS_FROM] == [ticket for ticket, _ in journal.asked]
    assert TICKETS_FROM < -2
    assert [] == journal.said


@pytest.mark.parametrize("fault", [JournalRefusesRow("IntegrityError"), LookupError("009")])
def test_what_is_itself_at_fault_is_given_up_and_said(fault: Exception) -> None:
    """By its kind, without what the error says of it; what stands behind it is written."""
    journal = Journal()
    for number in (1, 2):
        journal.pending.keep(of(number))
        journal.answer(fault if number == 1 else None)

    said = {"kind": "status", "reason": type(fault).__name__, "so_far": 1}
    assert [("event not kept", said)] == journal.said
    assert [of(2)] == journal.written


def test_question_that_makes_no_sense_holds_up_nothing() -> None:
    """It is refused before the writer has it."""
    journal = Journal()

    def ask(question: Any, ticket: int) -> None:
        if question == of(1):
            raise ValueError("no known kind")
        journal.asked.append((ticket, question))

    journal.pending._ask = ask
    journal.pending.keep(of(1))
    journal.pending.keep(of(2))

    assert [of(2)] == [question for _, question in journal.asked]
    assert ["event not kept"] == [event for event, _ in journal.said]


def test_no_more_than_so_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The eldest is given up; of many the log says the 1st, 2nd, 4th.., and how many so far; each
    is counted.
    """
    monkeypatch.setattr(journal_bell, "WAITING_MAX", 10)
    journal = Journal()
    journal.is_full = True
    for number in range(15):
        journal.pending.keep(of(number))
    journal.is_full = False
    journal.go_on()

    assert [of(number) for number in range(5, 15)] == journal.written
    given_up = [said["so_far"] for event, said in journal.said if event == "event not kept"]
    assert [1, 2, 4] == given_up
    assert {"event not kept": 5} == journal.counts


def test_who_can_find_it_out_anew_is_told_that_it_is_lost() -> None:
    """Then it is not asked again: by then something else may be true."""
    journal, lost = Journal(), []
    journal.pending.keep(of(1), lambda: lost.append(1))
    journal.answer(AWAY)
    journal.go_on()

    assert [1] == lost
    assert [] == journal.written
    assert 0 == len(journal.pending)


def test_stop_says_what_it_gives_up() -> None:
    """How many; nothing of what the journal has been asked for, which it writes when it ends."""
    asked, refused = Journal(), Journal()
    asked.pending.keep(of(1))
    asked.pending.end()
    refused.is_full = True
    refused.pending.keep(of(1))
    refused.pending.end()

    assert [] == asked.said
    assert ({}, {"event not kept": 1}) == (asked.counts, refused.counts)
    assert [("events not kept", {"count": 1, "reason": "the switch stops"})] == refused.said[1:]


def test_what_fails_behind_the_stop_is_given_up() -> None:
    """Nobody would ask for it again, and the log says so."""
    journal = Journal()
    journal.pending.keep(of(1))
    journal.pending.end()
    journal.answer(AWAY)

    said = {"kind": "status", "reason": str(AWAY), "so_far": 1}
    assert [("event not kept", said)] == journal.said

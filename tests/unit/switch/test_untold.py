"""What the journal is to note of answers that nobody got is asked until it has it."""

import itertools

import pytest

from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.switch.effects import Asked, Note
from atm_switch.switch.ports import RepeatKey
from atm_switch.switch.untold import (
    AT_ONCE,
    LATE,
    NOT_SENT,
    TIMES_MAX,
    WAITING_MAX,
    Tellings,
    ToldAgain,
    Untold,
)
from tests.doubles.journal_bench import NOON

AWAY = JournalUnavailable("away")


def telling(number: int = 1) -> ToldAgain:
    """One of many."""
    return ToldAgain(RepeatKey("009", "ATM00001", "0630050000", f"{number:06d}", f"{number:012d}"))


KEY = telling().key


def failed(tellings: Tellings, asked: list[Asked]) -> list[Note]:
    """Have the journal refuse; return what the log is to have."""
    return [note for one in asked for note in tellings.heard(one.ticket, AWAY)]


def test_what_the_journal_confirms_is_over() -> None:
    """One ticket of the switch's own; its answer is the end of it."""
    tellings = Tellings(itertools.count(7))

    asked = tellings.tell(telling())
    tellings.heard(8, None)
    tellings.heard(7, None)

    assert Asked(7, telling()) == asked
    assert ([], 0) == (tellings.again(), len(tellings))


def test_what_failed_is_asked_again_some_at_a_time() -> None:
    """The eldest first, each once a turn."""
    tellings = Tellings(itertools.count(1))
    failed(tellings, [tellings.tell(telling(number)) for number in range(AT_ONCE + 1)])

    first, second, third = tellings.again(), tellings.again(), tellings.again()

    questions = [asked.question for asked in (*first, *second)]
    assert [telling(number) for number in range(AT_ONCE + 1)] == questions
    assert (AT_ONCE, []) == (len(first), third)


@pytest.mark.parametrize("is_taken", [True, False])
def test_note_that_waits_is_gone_once_a_repeat_was_told(*, is_taken: bool) -> None:
    """
    It would come behind the word that takes it back, and stay.  Another's waits on.
    """
    tellings = Tellings(itertools.count(1))
    notes = [Untold(telling(number).key, NOON, LATE) for number in (1, 2)]
    failed(tellings, [tellings.tell(note) for note in notes])

    back = tellings.tell(telling(1))
    tellings.heard(back.ticket, None if is_taken else AWAY)

    left = [notes[1]] if is_taken else [notes[1], telling(1)]
    assert left == [asked.question for asked in tellings.again()]


def test_what_is_under_way_is_not_asked_twice() -> None:
    """
    A terminal may repeat for as long as the journal stands still: that is one question.
    """
    tellings = Tellings(itertools.count(1))

    (first,) = tellings.tell_once(telling())
    more = [asked for _ in range(100) for asked in tellings.tell_once(telling())]
    another = tellings.tell_once(telling(2))
    tellings.heard(first.ticket, None)
    again = tellings.tell_once(telling())

    assert ([], 1, 1, 2) == (more, len(another), len(again), len(tellings))


def test_what_another_stands_behind_is_asked_again() -> None:
    """
    The last word of a key stands: told, not told and told again are three questions.
    """
    tellings = Tellings(itertools.count(1))
    back, note = telling(), Untold(KEY, NOON, LATE)

    asked = [one for each in (back, note, note, back, back) for one in tellings.tell_once(each)]
    tellings.heard(asked[0].ticket, None)
    more = tellings.tell_once(back)

    assert [back, note, back] == [one.question for one in asked]
    assert [] == more


def test_what_never_goes_in_is_given_up() -> None:
    """So that a note no journal takes is not asked for ever; the log hears of the end alone."""
    tellings = Tellings(itertools.count(1))
    asked, times, said = [tellings.tell(telling())], 0, list[Note]()
    while asked:
        times += 1
        said += failed(tellings, asked)
        asked = tellings.again()

    assert (TIMES_MAX, 0) == (times, len(tellings))
    assert ["away"] == [note.fields["reason"] for note in said]


@pytest.mark.parametrize(
    ("question", "error", "note", "reason"),
    [
        (
            Untold(KEY, NOON, LATE),
            JournalRefusesRow("no: CheckViolation"),
            LATE,
            "no: CheckViolation",
        ),
        (Untold(KEY, NOON, NOT_SENT), ValueError("of 5221 8412"), NOT_SENT, "ValueError"),
        (ToldAgain(KEY), JournalRefusesRow("no: DataError"), "told again", "no: DataError"),
    ],
)
def test_note_at_fault_is_given_up_at_once(
    question: Untold | ToldAgain, error: Exception, note: str, reason: str
) -> None:
    """No second try mends it: it is asked once, and the log has whose it is and what is wrong."""
    tellings = Tellings(itertools.count(1))

    (said,) = tellings.heard(tellings.tell(question).ticket, error)

    named = {"acquirer": "009", "terminal": "ATM00001", "stan": "000001", "rrn": "000000000001"}
    assert ("note given up", True) == (said.event, said.is_alarm)
    assert {**named, "note": note, "reason": reason} == said.fields
    assert ([], 0) == (tellings.again(), len(tellings))


def test_no_more_wait_than_there_is_room_for() -> None:
    """Of a journal that is away for long the newest are kept, and the log has the others."""
    tellings = Tellings(itertools.count(1))

    said = failed(tellings, [tellings.tell(telling(number)) for number in range(WAITING_MAX + 1)])

    assert WAITING_MAX == len(tellings)
    assert telling(1) == tellings.again()[0].question
    assert [telling(0).key.stan] == [note.fields["stan"] for note in said]


def test_stop_names_what_is_not_confirmed() -> None:
    """
    What failed is given up, and whatever fails from then on; what is still asked may be written,
    and if it is nothing more is said of it.
    """
    tellings = Tellings(itertools.count(1))
    notes = [Untold(telling(number).key, NOON, LATE) for number in (1, 2, 3)]
    asked = [tellings.tell(note) for note in notes]
    failed(tellings, asked[:1])

    told = tellings.end()
    told += failed(tellings, asked[1:2])
    told += tellings.heard(asked[2].ticket, None)

    said = [(note.event, note.fields["stan"], note.fields["reason"]) for note in told]
    assert [
        ("note given up", "000001", "the switch stops"),
        ("note not confirmed", "000002", "the switch stops"),
        ("note not confirmed", "000003", "the switch stops"),
        ("note given up", "000002", "away"),
    ] == said
    assert ([], 0) == (tellings.again(), len(tellings))

"""What a writer takes, in which batches, and what it says where it does not; on a medium in memory.

Plan: a question is a number, which is written, or an error, which the medium raises for it.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event, current_thread
from typing import Any

import pytest

from atm_switch.adapters.batch_writer import BatchWriter
from atm_switch.adapters.journal_judgement import Judgement
from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from tests.doubles.journal_bench import ANSWER_SECONDS_MAX

Question = int | Exception

NOT_RUNNING = "the journal's writer is not running"
FULL = "too many rows wait for the journal"
ENDED = "the journal's writer has ended"


@dataclass
class Shelf:
    """A medium that keeps what is written in one piece; it may be shut for a while."""

    is_open: Event = field(default_factory=Event)
    is_reached: Event = field(default_factory=Event)
    written: list[list[Question]] = field(default_factory=list)
    attempts: int = 0
    trials: int = 0
    thread: tuple[str, bool] = "", False
    is_closed: bool = False

    def write(self, questions: Sequence[Question]) -> None:
        """Wait until it is open; raise what is at fault, or write all."""
        self.attempts += 1
        self.thread = current_thread().name, current_thread().daemon
        self.is_reached.set()
        assert self.is_open.wait(ANSWER_SECONDS_MAX)
        self.look_at(questions)
        self.written.append(list(questions))

    def look_at(self, questions: Sequence[Question]) -> None:
        """Raise the first of them that is at fault."""
        for one in questions:
            if isinstance(one, Exception):
                raise one

    def close(self) -> None:
        """Be closed."""
        self.is_closed = True


class ShelfWriter(BatchWriter[str, Question, Shelf]):
    """Writes to a shelf; an ``OSError`` is the end of it, a ``ValueError`` a question's."""

    def __init__(self, queue_max: int = 8, batch_max: int = 8) -> None:
        """Wait for ``start``."""
        super().__init__(queue_max, batch_max, "shelf-writer")
        self.shelf = Shelf()
        self.batches: list[list[tuple[str, Any]]] = []

    def begin(self) -> None:
        """Start, and keep what is answered."""
        self.start(self.batches.append)

    def begin_shut(self) -> None:
        """Start, and have question 0 wait for a shelf that is shut."""
        self.begin()
        self.submit(0, "0")
        assert self.shelf.is_reached.wait(ANSWER_SECONDS_MAX)

    def answers(self) -> list[tuple[str, str]]:
        """Stop; return what was answered to each token, by its words."""
        self.shelf.is_open.set()
        self.stop()
        return [(token, str(answer)) for batch in self.batches for token, answer in batch]

    def _open(self) -> Shelf:
        return self.shelf

    def _commit(self, medium: Shelf, questions: Sequence[Question]) -> list[Any]:
        medium.write(questions)
        return list(questions)

    def _try(self, medium: Shelf, questions: Sequence[Question]) -> None:
        medium.trials += 1
        medium.look_at(questions)

    def _judge(self, error: Exception) -> Judgement:
        blames = isinstance(error, ValueError)
        return Judgement(str(error), is_fatal=isinstance(error, OSError), blames_a_question=blames)


@pytest.fixture
def writer() -> Iterator[ShelfWriter]:
    """A writer, not started."""
    made = ShelfWriter(queue_max=3, batch_max=2)
    yield made
    made.shelf.is_open.set()
    made.stop()


def refused(writer: ShelfWriter) -> str:
    """Ask and return why it is not taken."""
    with pytest.raises(JournalUnavailable) as caught:
        writer.submit(9, "9")
    return str(caught.value)


def test_nothing_is_taken_before_the_start_and_after_the_end(writer: ShelfWriter) -> None:
    """It says so; only in between it writes, and its medium is closed at the end."""
    before = writer.is_writing, writer.has_failed, refused(writer), writer.submit_all([("1", 1)])
    writer.stop()
    writer.begin()
    between = writer.is_writing, writer.has_failed, writer.submit_all([("2", 2)])
    answered = writer.answers()
    after = writer.is_writing, writer.has_failed, refused(writer), writer.submit_all([("3", 3)])

    assert (False, False, NOT_RUNNING, 0) == before == after
    assert (True, False, 1) == between
    assert [("2", "2")] == answered
    assert writer.shelf.is_closed
    assert 0 == writer.waiting


class NoShelf(ShelfWriter):
    """Has no medium."""

    def _open(self) -> Shelf:
        raise OSError("no shelf")


def test_medium_that_does_not_open_is_told_by_the_start() -> None:
    """With what it said, and nothing is taken."""
    writer = NoShelf()

    with pytest.raises(OSError, match="no shelf"):
        writer.begin()
    assert NOT_RUNNING == refused(writer)


def test_queue_takes_what_it_has_room_for(writer: ShelfWriter) -> None:
    """The first of many, and none where it is full; they are written in order, so many at once."""
    writer.begin_shut()
    writer.submit(1, "1")
    taken = writer.submit_all([("2", 2), ("3", 3), ("4", 4)])
    full = writer.waiting, refused(writer), writer.submit_all([("5", 5)])

    answered = writer.answers()

    assert 2 == taken
    assert (3, FULL, 0) == full
    assert [[0], [1, 2], [3]] == writer.shelf.written
    assert [(str(number), str(number)) for number in range(4)] == answered


def test_thread_of_a_medium_that_hangs_holds_no_process(writer: ShelfWriter) -> None:
    """It has its name and is a daemon; whoever set a limit does not wait for it for ever."""
    writer._stop_seconds_max = 0.01
    writer.begin_shut()

    writer.stop()

    assert ("shelf-writer", True) == writer.shelf.thread
    assert [] == writer.batches
    assert writer.is_writing is False


def test_whoever_waits_behind_a_fatal_error_is_told(writer: ShelfWriter) -> None:
    """Its batch hears what went wrong, the others that the writer has ended; so it has."""
    writer.begin_shut()
    writer.submit_all([("1", OSError("torn")), ("2", 2), ("3", 3)])

    answered = writer.answers()

    assert [
        ("0", "0"),
        ("1", "the journal could not write: torn"),
        ("2", "the journal could not write: torn"),
        ("3", ENDED),
    ] == answered
    assert JournalUnavailable is type(writer.batches[-1][-1][1])
    assert (True, False) == (writer.has_failed, writer.is_writing)
    assert [[0]] == writer.shelf.written


def test_writer_whose_answers_nobody_could_take_has_failed(
    writer: ShelfWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so to those behind them."""
    monkeypatch.setattr(threading, "excepthook", lambda _error: None)

    def on_batch(batch: list[tuple[str, Any]]) -> None:
        writer.batches.append(batch)
        if len(writer.batches) == 1:
            raise RuntimeError

    writer.start(on_batch)
    writer.submit(0, "0")
    assert writer.shelf.is_reached.wait(ANSWER_SECONDS_MAX)
    writer.submit(1, "1")

    assert [("0", "0"), ("1", ENDED)] == writer.answers()
    assert writer.has_failed


class FallingWriter(ShelfWriter):
    """Its medium fails once a fault is looked for."""

    falls: Exception

    def _try(self, medium: Shelf, questions: Sequence[Question]) -> None:
        super()._try(medium, [self.falls, *questions])


@pytest.mark.parametrize("falls", [RuntimeError("full"), OSError("torn")])
def test_medium_that_fails_amid_the_search_blames_nobody(falls: Exception) -> None:
    """Both are told what is wrong with it; only where that is fatal it is the end."""
    writer = FallingWriter()
    writer.falls = falls
    writer.begin_shut()
    writer.submit_all([("1", 1), ("2", ValueError("bad"))])

    answered = writer.answers()

    told = f"the journal could not write: {falls}"
    assert [("0", "0"), ("1", told), ("2", told)] == answered
    assert {JournalUnavailable} == {type(answer) for _, answer in writer.batches[1]}
    assert isinstance(falls, OSError) == writer.has_failed


@pytest.mark.parametrize("at", [0, 1])
def test_one_of_two_at_fault_is_refused_alone(writer: ShelfWriter, at: int) -> None:
    """The other is written, in one commit."""
    questions: list[Question] = [1, 2]
    questions[at] = ValueError("bad")
    writer.begin_shut()
    writer.submit_all([("1", questions[0]), ("2", questions[1])])

    answered = writer.answers()

    assert "the journal could not write: bad" == answered[1 + at][1]
    assert str(2 - at) == answered[2 - at][1]
    assert [[0], [2 - at]] == writer.shelf.written


def test_question_alone_at_fault_is_not_tried_again(writer: ShelfWriter) -> None:
    """There is nobody else to be written without it."""
    writer.begin_shut()
    writer.submit(ValueError("bad"), "1")

    assert [("0", "0"), ("1", "the journal could not write: bad")] == writer.answers()
    assert (2, 0) == (writer.shelf.attempts, writer.shelf.trials)
    assert not writer.has_failed


def test_missing_sample_says_nothing_of_the_medium(
    writer: ShelfWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where what would make one is gone with its package, the medium is not tried at all."""

    def gone(_kind: type[Any]) -> None:
        raise ImportError

    monkeypatch.setattr(writer, "_sound", gone)
    writer.begin_shut()
    writer.submit(ValueError("bad"), "1")
    writer.answers()

    assert JournalRefusesRow is type(writer.batches[1][0][1])
    assert 0 == writer.shelf.trials

"""A thread that makes one commit of all that waits, and the queue before it.

Plan: ``submit`` puts a question in a bounded queue and returns; the thread, once it is rung,
takes all that waits, up to ``batch_max``, and has it written at once (group commit: the more
wait, the fewer syncs each costs).  Only then are the answers handed over, a whole batch in
one call of ``on_batch``, in the thread.  Where it is written is a subclass's affair.
Why it waits for the ring even when it is awake: taken one by one while the loop makes more
of them, rows cost a sync each, and both threads the interpreter's lock at every step.
Failures: a batch that cannot be written is answered ``JournalUnavailable``, each of its
questions, and the next batch is tried.  Where one question is itself at fault, it is looked
for by trials that are undone and cost no sync, and the others are one commit without it; where
several are, that is done some times and what is left is written one by one.  A medium that takes
not even a sound question blames none.  A fatal error ends the thread, and ``has_failed`` says so:
whoever runs it ends the process, for only a fresh start knows what the medium holds.
Why a thread: a sync takes milliseconds, and no event loop may stand still that long.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from threading import Condition, Thread
from typing import Any, Final, Generic, Protocol, TypeVar

from atm_switch.adapters.journal_judgement import Judgement, told_apart
from atm_switch.domain.errors import JournalRefusesRow, JournalUnavailable
from atm_switch.switch.ports import ProveWriting

FAULTS_MAX: Final = 4
"""Questions at fault looked for in a batch, each at the price of some trials of it."""


class Medium(Protocol):
    """What is written to: a connection."""

    def close(self) -> None:
        """End it."""


K = TypeVar("K")
Q = TypeVar("Q")
M = TypeVar("M", bound=Medium)
OnBatch = Callable[[list[tuple[K, Any]]], None]
"""Told each batch's tokens with their answers, or ``JournalUnavailable`` as a value."""


class BatchWriter(ABC, Generic[K, Q, M]):
    """Answers questions ``Q`` on a medium ``M``; ``K`` is the caller's token for one."""

    def __init__(self, queue_max: int, batch_max: int, name: str) -> None:
        """Wait for ``start``; ``name`` is the thread's."""
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._name = name
        self._waiting: deque[tuple[K, Q]] = deque()
        self._bell = Condition()
        self._is_rung = False
        self._is_open = False
        self._thread: Thread | None = None
        self._stop_seconds_max: float | None = None
        """How long ``stop`` waits for the medium; ``None``: as long as it takes."""
        self.has_failed = False
        """Whether it ended by itself: nothing is written any more."""
        self.read_seconds: Callable[[], float] = time.perf_counter
        """The clock that commits are timed by."""
        self.on_commit: Callable[[float], None] = lambda _seconds: None
        """Told, in the thread, the seconds of each commit: but of those of nothing but proofs."""

    def start(self, on_batch: OnBatch[K]) -> None:
        """Open the medium and begin to write.

        ``on_batch`` is called in the thread and must not raise.  Raises what opening does.
        """
        opened: Future[None] = Future()
        self._thread = Thread(
            target=self._run, args=(opened, on_batch), name=self._name, daemon=True
        )
        self._thread.start()
        opened.result()

    @property
    def is_writing(self) -> bool:
        """Whether ``submit`` takes questions."""
        return self._is_open

    @property
    def waiting(self) -> int:
        """How many questions wait to be written."""
        return len(self._waiting)

    def submit(self, question: Q, token: K, *, rings: bool = True) -> None:
        """Queue a question; its answer comes to ``on_batch`` with ``token``.

        Any thread may call; it never blocks.  Once queued a question is never withdrawn.
        Who does not have it ``rings`` says ``ring`` after the last of many.
        Raises ``JournalUnavailable`` where the queue is full or the writer has ended, and
        ``ValueError`` for a question that makes no sense.
        """
        self.check(question)
        with self._bell:
            if not self._is_open:
                raise JournalUnavailable("the journal's writer is not running")
            if len(self._waiting) >= self._queue_max:
                raise JournalUnavailable("too many rows wait for the journal")
            self._waiting.append((token, question))
            if rings:
                self._ring()

    def submit_all(self, asked: Sequence[tuple[K, Q]]) -> int:
        """Queue questions, each behind its token, that were ``check``ed; then ring.

        Returns how many, the first ones: what there is room for, and none where it has ended.
        """
        with self._bell:
            room = self._queue_max - len(self._waiting) if self._is_open else 0
            queued = asked[: max(room, 0)]
            self._waiting += queued
            self._ring()
        return len(queued)

    def check(self, question: Q) -> None:
        """Raise ``ValueError`` for a question that makes no sense."""

    def ring(self) -> None:
        """Have the writer look at what waits."""
        with self._bell:
            self._ring()

    def _ring(self) -> None:
        self._is_rung = True
        self._bell.notify()

    def stop(self) -> None:
        """Take no more, write what waits, close the medium.

        Returns when that is done; before that only where the medium is one that may hang, and
        does: what waits is then lost as in a crash.
        """
        with self._bell:
            self._is_open = False
            self._bell.notify()
        if self._thread is not None:
            self._thread.join(self._stop_seconds_max)

    @abstractmethod
    def _open(self) -> M:
        """Open the medium, in the thread."""

    @abstractmethod
    def _commit(self, medium: M, questions: Sequence[Q]) -> list[Any]:
        """Answer all questions in one transaction, durable on return; or raise, with none."""

    @abstractmethod
    def _try(self, medium: M, questions: Sequence[Q]) -> None:
        """Go as far as ``_commit`` does and undo all; raise what it would."""

    def _sound(self, kind: type[Q]) -> Q | None:  # noqa: ARG002  subclasses look at it
        """Return a question of a kind that can be at no fault, for a trial; if there is one."""
        return None

    @abstractmethod
    def _judge(self, error: Exception) -> Judgement:
        """Say what an error of ``_commit`` means."""

    def _run(self, opened: Future[None], on_batch: OnBatch[K]) -> None:
        try:
            medium = self._open()
        except Exception as error:  # noqa: BLE001 - raised again, by start, in its own thread
            opened.set_exception(error)
            return
        with closing(medium):
            self._is_open = True
            opened.set_result(None)
            try:
                self._write_all(medium, on_batch)
            except BaseException:
                self.has_failed = True
                raise
            finally:
                self._give_up(on_batch)

    def _write_all(self, medium: M, on_batch: OnBatch[K]) -> None:
        while batch := self._take():
            answers, go_on = self._write(medium, [question for _, question in batch])
            if not go_on:
                self._close_queue()
                self.has_failed = True
            on_batch([(token, answer) for (token, _), answer in zip(batch, answers, strict=True)])
            if not go_on:
                return

    def _take(self) -> list[tuple[K, Q]]:
        """Wait for questions and take a batch; an empty one means the end."""
        with self._bell:
            while self._is_open and not (self._is_rung and self._waiting):
                self._bell.wait()
            count = min(len(self._waiting), self._batch_max)
            batch = [self._waiting.popleft() for _ in range(count)]
            self._is_rung = bool(self._waiting)
            return batch

    def _write(self, medium: M, questions: Sequence[Q]) -> tuple[list[Any], bool]:
        """Write a batch: its answers, and whether the writer may go on."""
        answers, go_on = self._write_some(medium, questions)
        if go_on and JournalRefusesRow in map(type, answers):
            return told_apart(questions, answers, partial(self._fault_of, medium))
        return answers, go_on

    def _write_some(
        self, medium: M, questions: Sequence[Q], faults_left: int = FAULTS_MAX
    ) -> tuple[list[Any], bool]:
        """Write some; whoever is refused may be without fault where the medium takes none."""
        began = self.read_seconds()
        try:
            answers = self._commit(medium, questions)
        except Exception as error:  # noqa: BLE001 - every failure is an answer, none ends unsaid
            judged = self._judge(error)
            if not judged.is_fatal and judged.blames_a_question and len(questions) > 1:
                if not faults_left:
                    return self._write_singly(medium, questions)
                return self._write_around(medium, questions, judged, faults_left)
            return [judged.failure() for _ in questions], not judged.is_fatal
        if not all(isinstance(one, ProveWriting) for one in questions):
            self.on_commit(self.read_seconds() - began)
        return answers, True

    def _write_around(
        self, medium: M, questions: Sequence[Q], judged: Judgement, faults_left: int
    ) -> tuple[list[Any], bool]:
        """Write a batch, in which one question was ``judged`` at fault, without that one."""
        at, fault = self._first_fault(medium, questions, judged)
        if not fault.blames_a_question:
            return [fault.failure() for _ in questions], not fault.is_fatal
        rest = [*questions[:at], *questions[at + 1 :]]
        answers, go_on = self._write_some(medium, rest, faults_left - 1)
        return [*answers[:at], fault.failure(), *answers[at:]], go_on

    def _first_fault(
        self, medium: M, questions: Sequence[Q], judged: Judgement
    ) -> tuple[int, Judgement]:
        """Find the first question with which a batch fails, and how it does.

        By prefixes: a question may be at fault only because of one before it.  Where the
        medium itself fails meanwhile, that is the judgement.
        """
        sound, faulty = 0, len(questions)
        while faulty - sound > 1:
            middle = (sound + faulty) // 2
            try:
                self._try(medium, questions[:middle])
            except Exception as error:  # noqa: BLE001 - it is judged
                judged, faulty = self._judge(error), middle
                if not judged.blames_a_question:
                    break
            else:
                sound = middle
        return faulty - 1, judged

    def _fault_of(self, medium: M, kind: type[Any]) -> Judgement | None:
        """Say what is wrong with a medium that takes not even a sound question of a kind."""
        sound = None
        with suppress(Exception):  # its module may be gone with the package: that says nothing
            sound = self._sound(kind)
        if sound is not None:
            try:
                self._try(medium, [sound])
            except Exception as error:  # noqa: BLE001 - it is judged
                return self._judge(error)
        return None

    def _write_singly(self, medium: M, questions: Sequence[Q]) -> tuple[list[Any], bool]:
        answers: list[Any] = []
        go_on = True
        for question in questions:
            if go_on:
                answered, go_on = self._write_some(medium, [question])
                answers += answered
            else:
                answers.append(JournalUnavailable("the journal's writer has ended"))
        return answers, go_on

    def _close_queue(self) -> None:
        with self._bell:
            self._is_open = False

    def _give_up(self, on_batch: OnBatch[K]) -> None:
        """Answer whatever the writer leaves behind; nothing, where it ended in order."""
        self._close_queue()
        left = [token for token, _ in self._waiting]
        self._waiting.clear()
        if left:
            ended = JournalUnavailable("the journal's writer has ended")
            on_batch([(token, ended) for token in left])

"""Carries out what the core wants: asks neighbours, writes to links, keeps the log.

Plan: step by step for all requests that came together: all that is asked, then all that the
answers bring.  Why: request by request takes a fifth longer for as many instructions; what a
step needs of code and tables is still at hand for the next request.
A neighbour that is asked in the loop answers at once, another later, with a future of the loop;
an error of its own becomes the answer, so that the corridor can decline.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable, NeighbourUnavailable
from atm_switch.domain.instant import Instant
from atm_switch.server.line import Line
from atm_switch.server.log import Logger
from atm_switch.server.meters import Meters
from atm_switch.switch.balance_inquiry import place_of
from atm_switch.switch.effects import Asked, Close, Effect, LinkId, Note, Send, Ticket
from atm_switch.switch.hsm_port import ASKS_HSM
from atm_switch.switch.late_keys import LookAtKeys
from atm_switch.switch.ledger_gate import NOT_ASKED
from atm_switch.switch.ports import ASKS_LEDGER, JOURNALED, Ask, FindRepeat
from atm_switch.switch.switch import Switch
from atm_switch.switch.untold import TELLINGS
from atm_switch.wire.framing import Frame

if TYPE_CHECKING:
    from atm_switch.server.journal_bell import Journal

WRITINGS = frozenset((*JOURNALED, *TELLINGS))
"""Questions that the journal's writer answers."""
READINGS = (*ASKS_LEDGER, *ASKS_HSM, LookAtKeys)
"""Questions nobody needs an answer to once their request has none."""

LATER: Final = object()
"""What is returned instead of an answer that comes by itself."""

Neighbours = Mapping[type[Ask[Any]], Callable[[Any], Any]]
"""Who answers which question: in the loop at once, or with a future of the loop."""


class Performer:
    """Performs the core's effects in the event loop's thread."""

    def __init__(
        self, switch: Switch, neighbours: Neighbours, clock: Callable[[], Instant],
        lines: Mapping[LinkId, Line], log: Logger, meters: Meters,
    ) -> None:  # fmt: skip
        """Wait for the ``journal``; ``lines`` are those there are at any time."""
        self._switch = switch
        self._neighbours = neighbours
        self._clock = clock
        self._lines = lines
        self._log = log
        self._meters = meters
        self.journal: Journal | None = None
        self.on_note: Callable[[Note], None] = lambda _note: None
        """Told whatever the core notes, besides the log."""

    def perform(self, effects: Sequence[Effect]) -> None:
        """Carry out effects, and step by step what the answers bring."""
        written: dict[LinkId, Line] = {}
        closing: list[Close] = []
        while effects:
            effects = self._step(effects, written, closing)
        for line in written.values():
            line.flush()
        for close in closing:
            if close.link in self._lines:
                self._lines[close.link].finish(close.reason)

    def _step(
        self, effects: Sequence[Effect], written: dict[LinkId, Line], closing: list[Close]
    ) -> list[Effect]:
        """Carry out one step of all requests; return what the answers bring.

        A failure is told at once, and its effects are among those: the ledger's breaker hears of
        it before more is asked, and what it shuts out from then on in this step is not.
        """
        answers: list[tuple[Asked, Any]] = []
        brought: list[Effect] = []
        now, was_shut, is_shut = self._clock(), self._switch.refuses_ledger, False
        for effect in effects:
            if isinstance(effect, Asked):
                try:
                    answer = self._ask(effect, now, is_shut=is_shut)
                except Exception as error:  # noqa: BLE001  the corridor decides what it means
                    brought += self._answered(effect, error)
                    is_shut = not was_shut and self._switch.refuses_ledger
                    continue
                if answer is not LATER:
                    answers.append((effect, answer))
            elif isinstance(effect, Send):
                self._put(effect, written)
            elif isinstance(effect, Close):
                closing.append(effect)
            else:
                self.note(effect)
        if answers:
            self._hear_all(answers, brought)
        return brought

    def _hear_all(self, answers: list[tuple[Asked, Any]], brought: list[Effect]) -> None:
        """Tell the core what a step was answered, as of the moment when all of it was."""
        now, answered = self._clock(), self._switch.answered
        for asked, answer in answers:
            if type(asked.question) is FindRepeat:
                self._meters.answered(asked.question, answer, now.monotonic)
            try:  # as ``hear``, without a call for each
                brought += answered(asked.ticket, answer, now)
            except Exception as mistake:  # noqa: BLE001
                self._mistaken(mistake)

    def hear(self, ticket: Ticket, answer: Any, now: Instant) -> list[Effect]:
        """Tell the core an answer.  A mistake of ours costs that request, and no other."""
        try:
            return self._switch.answered(ticket, answer, now)
        except Exception as mistake:  # noqa: BLE001
            self._mistaken(mistake)
            return []

    def failed(self, link: LinkId, frame: Frame, mistake: Exception, began: float) -> list[Effect]:
        """Log what the core stumbled over; have it answered, where it can be at all."""
        place = place_of(mistake)
        self._log.error("mistake", link=link, where=place)
        try:
            return self._switch.failed(link, frame, place, self._clock(), began)
        except Exception as another:  # noqa: BLE001
            self._mistaken(another)
            return []

    def _mistaken(self, mistake: Exception) -> None:
        """Log a mistake by its place, never by its text."""
        self._log.error("mistake", where=place_of(mistake))

    def note(self, note: Note) -> None:
        """Count, pass on and log what the core notes."""
        self._meters.take(note)
        self.on_note(note)
        self._log.take("warning" if note.is_alarm else "info", note.event, note.fields)

    def _ask(self, asked: Asked, now: Instant, *, is_shut: bool) -> Any:
        """Ask a neighbour; return its answer, or ``LATER``.  Raises whatever it raises."""
        question = asked.question
        kind = type(question)
        if kind in WRITINGS:
            self._ask_journal(asked, now)
            return LATER
        if is_shut and kind in ASKS_LEDGER:
            raise LedgerUnavailable(NOT_ASKED)
        answer = self._neighbours[kind](question)
        if isinstance(answer, asyncio.Future):
            self._await(asked, answer)
            return LATER
        return answer

    def _answered(self, asked: Asked, answer: Any) -> list[Effect]:
        now = self._clock()
        self._meters.answered(asked.question, answer, now.monotonic)
        return self.hear(asked.ticket, answer, now)

    def _put(self, send: Send, written: dict[LinkId, Line]) -> None:
        line = self._lines.get(send.link)
        if line is not None:
            line.put(send.payload, send.header, send.entry)
            written[send.link] = line

    def _await(self, asked: Asked, answer: "asyncio.Future[Any]") -> None:
        """Hand the answer back when it is there; a reading is given up at the deadline."""
        left, timer = asked.deadline - self._clock().monotonic, None
        if isinstance(asked.question, READINGS) and isfinite(left):  # a writing goes on
            timer = answer.get_loop().call_later(max(left, 0.0), answer.cancel)

        def done(ended: "asyncio.Future[Any]") -> None:
            if timer is not None:
                timer.cancel()
            said: Any = NeighbourUnavailable("the question was given up")
            if not ended.cancelled():
                said = ended.exception() or ended.result()
            self.perform(self._answered(asked, said))

        answer.add_done_callback(done)

    def submit(self, question: Any, ticket: Ticket) -> None:
        """Ask the journal something.  Raises ``JournalUnavailable`` at once where it cannot."""
        if self.journal is None:
            raise JournalUnavailable("the journal is not running")
        self.journal.submit(question, ticket)

    def _ask_journal(self, asked: Asked, now: Instant) -> None:
        if self.journal is None:
            message = "the journal is not running"
            raise JournalUnavailable(message)
        self.journal.submit(asked.question, asked.ticket)
        self._meters.journal_asked_at[asked.ticket] = now.monotonic

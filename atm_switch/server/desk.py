"""Where lines, the journal and time come to the core; what it wants is carried out from here.

All runs in the event loop's thread but the journal writer, which answers one call a batch.
Plan: what frames ask is asked together (``performer``) once a turn of the loop brought no more
of it, so much at a time that the journal's writer has rows to write meanwhile.
"""

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from atm_switch.domain.errors import FramingError, JournalUnavailable
from atm_switch.domain.instant import Instant
from atm_switch.server.entrance import Entrance
from atm_switch.server.journal_bell import Journal, Pending
from atm_switch.server.lasting_links import LastingLinks
from atm_switch.server.limits import ServerLimits
from atm_switch.server.line import Line
from atm_switch.server.log import Logger
from atm_switch.server.meters import Meters
from atm_switch.server.peers import Peers
from atm_switch.server.performer import Neighbours, Performer
from atm_switch.server.spread import TICK_SECONDS, Turn, spread
from atm_switch.switch.clock_watch import ClockWatch
from atm_switch.switch.effects import Asked, Effect, LinkId, Note, Ticket
from atm_switch.switch.notes import FRAMING_BROKEN, note_of_refused
from atm_switch.switch.ports import AuditRecord, KeepRecord, ProveWriting
from atm_switch.switch.rounds import Rounds
from atm_switch.switch.session import Session
from atm_switch.switch.switch import Switch
from atm_switch.switch.throttle import Throttle
from atm_switch.wire.framing import Frame

UNASKED = 0
"""The ticket of a question whose answer nobody waits for; the core counts from 1."""
PROOF, PROOF_SECONDS = -3, 5.0
"""The ticket of a proof that the journal can write, and after how long without an answer it is
asked for one; behind one that failed, at every tick."""
AT_ONCE = 32
"""So many requests are taken as far as the journal before it is given their rows."""


class Desk:
    """The shell around the core."""

    def __init__(
        self,
        switch: Switch,
        neighbours: Neighbours,
        clock: Callable[[], Instant],
        limits: ServerLimits,
        log: Logger,
        meters: Meters | None = None,
    ) -> None:
        """Wait for ``start``."""
        self.meters = meters or Meters()
        self.clock = clock
        self._switch = switch
        self.limits = limits
        self._log = log
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lines: dict[LinkId, Line] = {}
        self._rounds = Rounds(self._lines)
        self._performer = Performer(switch, neighbours, clock, self._lines, log, self.meters)
        self._perform = self._performer.perform
        self.pending = Pending(self._performer.submit, log.warning, self.meters.events)
        """What the journal is to write and no request waits for."""
        self.tellings = switch.tellings
        self.peers = Peers()
        self.is_draining = False
        self._lasting = LastingLinks()
        self._is_quiet = True
        """Whether the journal had nothing to answer since the last tick: nobody asks."""
        self._answered_at = 0.0
        """Monotonic seconds of the journal's last answer."""
        self._throttle = Throttle()
        self._clock_watch = ClockWatch()
        self._next_tick: float | None = None
        self._gathered: list[Effect] = []
        """What frames ask, until it is asked; their requests are under way."""
        self._gathered_before = 0
        """How much of it was there a turn of the loop ago."""
        self._turn = Turn()

    def start(self, loop: asyncio.AbstractEventLoop, journal: Journal) -> None:
        """Begin: the loop to run in and the journal to write to."""
        self.loop = loop
        self._performer.journal = journal

    @property
    def on_note(self) -> Callable[[Note], None]:
        """Told whatever the core notes, besides the log."""
        return self._performer.on_note

    @on_note.setter
    def on_note(self, hear: Callable[[Note], None]) -> None:
        self._performer.on_note = hear

    # -- what lines say

    def admit(self, line: Line, host: str, entrance: Entrance) -> str:
        """Take a new connection, or say why not; the core does not know it yet."""
        if self.is_draining:
            return "the switch is stopping"
        full = len(self._lines) >= self.limits.connections_max
        links = self.peers.of(host) + entrance.elsewhere
        refusal = ""
        if entrance.is_ours:
            pass  # we asked for it
        elif not entrance.lets_in(host):
            refusal = "the address is not in allow"
        elif full or links >= self.limits.connections_per_peer_max:
            refusal = "too many connections"
        if refusal:
            self.meters.turned_away[refusal] += 1
            self._warn_of("connection turned away", line, refusal)
            return refusal
        self._lines[line.link] = line
        if not line.is_ours:
            self.peers.came(host)
        return ""

    def session_of(self, line: Line) -> Session | None:
        """Return what the core knows of a line; ``None`` for one that is not ready, or gone."""
        return self._switch.session_of(line.link)

    def links(self) -> list[tuple[Line, Session | None]]:
        """Return every connection, and what the core knows of those that are ready."""
        # Copied first: the watch page asks from a thread of its own.
        return [(line, self._switch.session_of(link)) for link, line in list(self._lines.items())]

    @property
    def connections(self) -> int:
        """Count the connections, ready or not."""
        return len(self._lines)

    @property
    def in_flight(self) -> int:
        """Count the requests under way."""
        return self._switch.in_flight

    @property
    def refuses_ledger(self) -> bool:
        """Whether the ledger failed so often that it is hardly asked: the breaker is open."""
        return self._switch.refuses_ledger

    def opened(self, line: Line, entrance: Entrance) -> None:
        """Tell the core of a link that is ready for frames."""
        opened = self._switch.opened(
            line.link, line.peer, entrance.dialect, entrance.acquirer, self.clock(),
            peer_names=line.channel.peer_names, is_tls=line.channel.is_tls,
        )  # fmt: skip
        self._perform(opened)
        if entrance.is_ours:
            self._perform(self._switch.dialled(line.link, entrance.echo_idle_seconds, self.clock()))

    def never_opened(self, line: Line, why: str) -> None:
        """Note a connection that ended before its handshake did."""
        self._warn_of("handshake failed", line, why)

    def _warn_of(self, event: str, line: Line, reason: str) -> None:
        so_far = self._throttle.count(f"{event}: {reason}", self.clock().monotonic)
        if so_far:
            self._log.warning(event, peer=line.peer, reason=reason, within_a_minute=so_far)
            record = AuditRecord("peer refused", line.peer, event, f"{reason}; {so_far} so far")
            self.pending.keep(KeepRecord(record))

    def received(self, line: Line, frame: Frame, began: float, served_max: int = 0) -> None:
        """Take one frame; what it asks is asked with what others ask in this turn.

        A mistake of ours costs the frame a 96, and not the link.
        """
        self._turn.take(self.later)
        try:
            effects = self._switch.received(line.link, frame, self.clock(), began, served_max)
        except Exception as mistake:  # noqa: BLE001  named by its place, never by its text
            effects = self._performer.failed(line.link, frame, mistake, began)
        for one in effects:
            if not isinstance(one, Asked):
                self._perform(effects)  # an answer, or an end, which the next frame must find done
                return
        if effects and not self._gathered:
            self.later(self._ask_gathered)
        self._gathered += effects

    def framing_broken(self, line: Line, fault: FramingError) -> None:
        """Note a stream that cannot be read on."""
        if (session := self._switch.session_of(line.link)) is not None:  # it has one: frames came
            self._performer.note(note_of_refused(session, FRAMING_BROKEN, str(fault)))

    def in_flight_of(self, line: Line) -> int:
        """Count what a link has under way."""
        session = self._switch.session_of(line.link)
        return 0 if session is None else session.in_flight

    def room_of_each(self, limit: int) -> int:
        """Return how many a link may have under way, and hand on in this turn of the loop.

        ``limit``, or one where all have too many, or so many were taken that others wait.
        """
        is_full = self._switch.in_flight >= self.limits.requests_max or self._turn.is_full
        return 1 if is_full else limit

    def lost(self, line: Line, why: str) -> None:
        """Forget a link that is gone."""
        if self._lines.pop(line.link, None) is None:
            return
        if not line.is_ours:
            self.peers.went(line.peer.rpartition(":")[0].strip("[]"))
        self._perform(self._switch.closed(line.link, why, line.unsent))

    def later(self, call: Callable[[], None]) -> None:
        """Do something in the next turn of the loop, once however often that is asked."""
        if self.loop is not None:
            self._turn.later(self.loop, call)

    # -- what others say

    def delivered(self, batch: Sequence[tuple[Ticket, Any]]) -> None:
        """Take the journal's answers to one batch."""
        now = self.clock()
        self._answered_at = now.monotonic
        self._is_quiet &= [ticket for ticket, _ in batch] == [PROOF]
        effects: list[Effect] = []
        for ticket, answer in batch:
            asked_at = self.meters.journal_asked_at.pop(ticket, None)
            if ticket == PROOF:  # which tells nothing of how long rows wait
                self.meters.journal_proved(now.monotonic, answer)
                continue
            seconds = None if asked_at is None else now.monotonic - asked_at
            self.meters.journal_answered(seconds, now.monotonic, answer)
            if ticket < UNASKED:  # none of the core's
                self.pending.heard(ticket, answer)
            else:
                effects += self._performer.hear(ticket, answer, now)
        self._perform(effects)

    def prove_writing(self) -> None:
        """Ask a journal that nobody asked anything for a while whether it can write."""
        meters, now = self.meters, self.clock().monotonic
        is_due = meters.proof_failed_at is not None or now - self._answered_at >= PROOF_SECONDS
        if not is_due or meters.journal_asked_at:  # what waits for an answer tells as much
            return
        try:
            self._performer.submit(ProveWriting(), PROOF)
        except JournalUnavailable:
            meters.proof_failed_at = now
        else:
            meters.journal_asked_at[PROOF] = now

    def tick(self) -> None:
        """Let time pass for the core and for the lines whose turn it is."""
        now = self.clock()
        due, self._next_tick = self._next_tick, now.monotonic + TICK_SECONDS
        self.meters.ticked(now.monotonic, now.monotonic - (due or now.monotonic))
        if jump := self._clock_watch.jumped(now):
            self._performer.note(Note("clock jumped", {"seconds": round(jump, 1)}, is_alarm=True))
        self._lasting.tick(len(self._lines), is_quiet=self._is_quiet and not self.in_flight)
        self._is_quiet = True
        self.pending.again()
        self.look_after()
        if self.loop is not None:
            spread(self.loop, self.look_after, len(self._lines))

    def look_after(self, until: float = inf) -> None:
        """Let time pass for requests and some lines; no request has longer than ``until``."""
        now, gathered, self._gathered = self.clock(), self._gathered, []
        self._perform(gathered)  # first: what is noted of a row must be asked behind it
        self._perform(self._switch.tick(now, until))
        for line in self._rounds.look():
            line.check(now.monotonic)

    def sign_off(self) -> None:
        """Tell every bank that this switch signed on to that it stops."""
        self._perform(self._switch.leave(self.clock()))

    def end(self) -> None:
        """Say what the journal is not told any more, for the switch stops."""
        self.pending.end()
        self._perform(self.tellings.end())

    def _ask_gathered(self) -> None:
        """Ask what was gathered once a turn brought no more, or there is enough.

        What is taken together costs less, and while one link's frames are read, others' come.  So
        much at a time that the journal's writer has its rows soon: it is rung before more is asked.
        """
        count = len(self._gathered)
        if max(1, self._gathered_before) < count < AT_ONCE:  # one alone does not wait
            self._gathered_before = count
            self.later(self._ask_gathered)
            return
        self._gathered_before = 0
        some, self._gathered = self._gathered[:AT_ONCE], self._gathered[AT_ONCE:]
        try:
            self._perform(some)
        finally:
            if self._gathered:
                self.later(self._ask_gathered)

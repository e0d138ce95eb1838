"""Who in the fleet is heard, who has fallen silent, and whether there is too much at once.

Plan: fed with the notes of the core and with ticks; whatever is worth an event comes back
as ``Announce``.  A terminal is ``active`` from its first proper request, and ``silent``
after so many seconds without one; each is said once.  Overload begins with the first request
declined as surplus and is over when none was for ``OVERLOAD_QUIET_SECONDS``: so it does not
flutter.  An answer that could not be sent is told beside its transaction; refusals of which
the journal has no row, and links hung up on for what came over them, a few times a minute at most.
Limits: at most ``TERMINALS_MAX`` terminals; beyond that the one silent for longest is
forgotten, for a bank with ``terminals = "any"`` may name as many as it likes.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from atm_switch.domain.outcome import Outcome
from atm_switch.switch.crowd import SURPLUS
from atm_switch.switch.effects import Note
from atm_switch.switch.event import SWITCH, Announce, Body, EventKind
from atm_switch.switch.notes import BAD_FRAMES, FRAMING_BROKEN
from atm_switch.switch.throttle import Throttle

TERMINALS_MAX: Final = 20_000
OVERLOAD_QUIET_SECONDS: Final = 10.0
ACTIVE: Final = "active"
SILENT: Final = "silent"
UNSENT: Final = "answer unsent"
"""What the event is called that an answer did not leave."""
HUNG_UP_ON: Final = "link refused"
"""What the event is called that a link was ended for what came over it."""

TerminalName = tuple[str, str]
"""Acquirer and terminal."""

NO_PROOF: Final = frozenset(
    outcome.value
    for outcome in (
        Outcome.NOT_SIGNED_ON,
        Outcome.MAC_WRONG,
        Outcome.FORMAT_ERROR,
        Outcome.TERMINAL_NOT_LISTED,
        Outcome.ACQUIRER_NOT_ALLOWED,
        Outcome.UNSUPPORTED_TRANSACTION,
    )
)
"""Outcomes of requests that may come from anybody, whatever terminal they name."""

_REFUSED: Final = frozenset({Outcome.ACQUIRER_NOT_ALLOWED.value, Outcome.DUPLICATE.value})
"""Outcomes of network messages that are told; a wrong MAC has its record in the audit."""


class FleetWatch:
    """Remembers when each terminal was heard last, in monotonic seconds."""

    def __init__(self, switch: str, silence_seconds: float, *, tells_status: bool = True) -> None:
        """Watch for the switch called ``switch``; 0 seconds: silence is never told.

        Without ``tells_status`` another process tells who is heard, by what all of them write.
        """
        self._switch = switch
        self._tells_status = tells_status
        self._silence_seconds = silence_seconds
        self._heard: OrderedDict[TerminalName, float] = OrderedDict()
        self._surplus = 0
        self._surplus_at: float | None = None
        self._refusals = Throttle()

    @property
    def terminals(self) -> int:
        """How many terminals are active."""
        return len(self._heard)

    def remember(self, active: Iterable[TerminalName], now: float) -> None:
        """Take over who was active before a start: they may be silent from now on."""
        for name in active:
            self._heard[name] = now

    def heard(self, note: Note, now: float) -> Iterator[Announce]:
        """Take one note of the core."""
        fields = note.fields
        acquirer, terminal = str(fields.get("acquirer", "")), str(fields.get("terminal", ""))
        if fields.get("reason") == SURPLUS:
            yield from self._crowded(now)
        if "unsent" in fields:
            said = f"STAN {fields.get('stan', '')}: {fields['unsent']}"
            about = f"{note.event} {fields.get('de39', '')}"
            body = {"what": UNSENT, "peer": "", "subject": about, "reason": said}
            yield Announce(EventKind.SESSION, acquirer, terminal, body)
        outcome = fields.get("outcome")
        if outcome is None:
            if note.event in (FRAMING_BROKEN, BAD_FRAMES):
                yield from self._hung_up_on(note, acquirer, now)
            return
        if note.event != "transaction":
            yield from self._refused(note, outcome, now)
        elif self._tells_status and acquirer and terminal and outcome not in NO_PROOF:
            yield from self._alive((acquirer, terminal), now)

    def heard_elsewhere(self, names: Iterable[TerminalName], now: float) -> Iterator[Announce]:
        """Take terminals that other processes have heard lately."""
        for name in names:
            yield from self._alive(name, now)

    def tick(self, now: float) -> Iterator[Announce]:
        """Let time pass: who has fallen silent, and whether the crowd has gone."""
        last = self._surplus_at
        if last is not None and now - last >= OVERLOAD_QUIET_SECONDS:
            surplus, self._surplus, self._surplus_at = self._surplus, 0, None
            yield self._overload({"state": "ended", "declined": surplus})
        if self._silence_seconds:
            yield from self._silent(now)

    def _alive(self, name: TerminalName, now: float) -> Iterator[Announce]:
        is_new = name not in self._heard
        self._heard[name] = now
        self._heard.move_to_end(name)
        if is_new:
            if len(self._heard) > TERMINALS_MAX:
                self._heard.popitem(last=False)
            yield Announce(EventKind.STATUS, *name, {"state": ACTIVE})

    def _silent(self, now: float) -> Iterator[Announce]:
        while self._heard:
            name, since = next(iter(self._heard.items()))
            if now - since < self._silence_seconds:
                return
            del self._heard[name]
            body: Body = {"state": SILENT, "silent_seconds": round(now - since)}
            yield Announce(EventKind.STATUS, *name, body)

    def _crowded(self, now: float) -> Iterator[Announce]:
        is_new = self._surplus_at is None
        self._surplus += 1
        self._surplus_at = now
        if is_new:
            yield self._overload({"state": "began", "declined": 1})

    def _overload(self, body: Body) -> Announce:
        return Announce(EventKind.OVERLOAD, SWITCH, self._switch, body)

    def _hung_up_on(self, note: Note, acquirer: str, now: float) -> Iterator[Announce]:
        so_far = self._refusals.count(f"{note.event} {acquirer}", now)
        if so_far:
            reason = f"{note.fields['reason']}; {so_far} within a minute"
            peer = str(note.fields["peer"])
            body = {"what": HUNG_UP_ON, "peer": peer, "subject": note.event, "reason": reason}
            yield Announce(EventKind.SECURITY, acquirer, "", body)

    def _refused(self, note: Note, outcome: str, now: float) -> Iterator[Announce]:
        if outcome not in _REFUSED:
            return
        so_far = self._refusals.count(f"{note.event} {outcome}", now)
        if so_far:
            body: Body = {
                "what": f"{note.event} refused",
                "outcome": outcome,
                "de39": str(note.fields.get("de39", "")),
                "reason": str(note.fields.get("reason", "")),
                "within_a_minute": so_far,
            }
            acquirer = str(note.fields.get("acquirer", ""))
            yield Announce(EventKind.SECURITY, acquirer, "", body)

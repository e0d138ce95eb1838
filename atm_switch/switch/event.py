"""What the switch tells the world: events as values, their topics and their JSON.

Plan: one envelope for every kind, a body of short texts and whole numbers beside it.
``specs/events/event-v1.schema.json`` says the same for those who read them, and the tests
hold the two together.
Limits: an event names a card and a KPJ by their masks only, and nobody by name.  Whatever in
a text may be a card, a KPJ or a key is starred once more when the event is written.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique
from typing import Final

from atm_switch.domain.mask import mask_long_numbers
from atm_switch.switch.ports import Ask

VERSION: Final = 1
"""Of the payload; another one means that a reader has to look at the schema again."""
NOBODY: Final = "-"
"""Stands in a topic where no bank or no terminal is meant."""
SWITCH: Final = "switch"
"""Stands in a topic where a bank would: the switch itself.  No bank's number is a word."""
TEXT_MAX: Final = 200
"""Characters of one text of a body."""

_PLAIN: Final = re.compile(r"[^0-9A-Za-z_.-]")
_IDENTIFIERS: Final = frozenset({"rrn", "stan", "transmitted", "host_reference", "received_at"})
"""What is as long as a KPJ and none."""
_DIGEST: Final = re.compile(r"sha256 [0-9a-f]{16}")
"""Of the settings: as long as a PIN block, and there to be compared with the audit's."""

_SHORT: Final = 11
"""Characters a KPJ has; what is shorter is no number worth hiding, and most texts are."""

Fact = str | int
Body = Mapping[str, Fact]


@unique
class EventKind(Enum):
    """What an event is about; the value is the last level of its topic."""

    TRANSACTION = "transaction"
    SESSION = "session"
    SECURITY = "security"
    OPERATION = "operation"
    STATUS = "status"
    OVERLOAD = "overload"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.  ``at`` is UTC, when it became durable.

    ``event_id`` (32 hex digits) is the same however often the event is told; ``sequence``
    counts the events of one switch upwards.
    """

    sequence: int
    event_id: str
    at: datetime
    kind: EventKind
    acquirer: str
    terminal: str
    body: Body

    @property
    def is_retained(self) -> bool:
        """Whether the broker keeps it for those who subscribe later."""
        return self.kind is EventKind.STATUS


@dataclass(frozen=True, slots=True)
class Announce(Ask[None]):
    """Make an event durable that no row of the journal stands for."""

    kind: EventKind
    acquirer: str
    terminal: str
    body: Body = field(default_factory=dict)


def topic_of(event: Event, prefix: str) -> str:
    """Return where an event is published: ``prefix/acquirer/terminal/kind``."""
    return "/".join((prefix, level(event.acquirer), level(event.terminal), event.kind.value))


def level(text: str) -> str:
    """Write a text as one level of a topic; what MQTT or a shell could mistake is ``%XX``."""
    return _PLAIN.sub(lambda found: f"%{ord(found[0]):02X}", text) or NOBODY


def payload_of(event: Event, switch: str) -> bytes:
    """Write an event of the switch called ``switch`` as JSON; equal events give equal bytes."""
    told = {
        "version": VERSION,
        "event_id": event.event_id,
        "sequence": event.sequence,
        "at": stamp(event.at),
        "switch": switch,
        "kind": event.kind.value,
        "acquirer": event.acquirer,
        "terminal": event.terminal,
        event.kind.value: {name: _safe(name, fact) for name, fact in event.body.items()},
    }
    return json.dumps(told, separators=(",", ":"), ensure_ascii=True).encode()


def stamp(at: datetime) -> str:
    """Write a time in UTC as RFC 3339 has it, to the microsecond."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _safe(name: str, fact: Fact) -> Fact:
    if isinstance(fact, int) or len(fact) < _SHORT or name in _IDENTIFIERS:
        return fact
    if name == "reason" and _DIGEST.fullmatch(fact):
        return fact
    return mask_long_numbers(fact)[:TEXT_MAX]

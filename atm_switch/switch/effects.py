"""What the core wants done, as values.  The shell does it, in this order."""

from collections.abc import Mapping
from dataclasses import field
from math import inf
from typing import Any

from atm_switch.domain.value import value
from atm_switch.switch.ports import Ask, JournalEntry

LinkId = int
Ticket = int


@value
class Send:
    """Put one payload on a link, behind the header it came with (``None``: our own)."""

    link: LinkId
    payload: bytes = field(repr=False)
    header: bytes | None = None
    entry: JournalEntry | None = field(default=None, repr=False, compare=False)
    """Of the request it answers, to be given back where the answer does not leave."""


@value
class Close:
    """End a link, after what was sent before."""

    link: LinkId
    reason: str


@value
class Asked:
    """Find the answer to ``question`` and hand it back under ``ticket``.

    ``deadline``: monotonic seconds after which nobody waits for it.
    """

    ticket: Ticket
    question: Ask[Any]
    deadline: float = inf


@value
class Note:
    """One line for the log; no field holds a secret."""

    event: str
    fields: Mapping[str, Any]
    is_alarm: bool = False


Effect = Send | Close | Asked | Note

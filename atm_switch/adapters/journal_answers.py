"""Which cards got an answer with a balance in a span of time, over all nodes of a journal.

Limits: walks every row of the journal; a tool of the command line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atm_switch.adapters.journal_place import JournalPlace, open_pages
from atm_switch.adapters.journal_rows import JournalRow
from atm_switch.domain.outcome import Outcome

ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Span:
    """Which answers are meant: from, until (not included), of which bank and terminal.

    An empty name is any.
    """

    since: datetime
    until: datetime
    acquirer: str = ""
    terminal: str = ""

    def has(self, row: JournalRow) -> bool:
        """Tell whether a row is an answer with a balance in this span."""
        return (
            row.outcome == Outcome.APPROVED.value
            and self.since <= row.received < self.until
            and self.acquirer in ("", row.acquirer)
            and self.terminal in ("", row.terminal)
        )


def answers_with_balance(place: JournalPlace, span: Span) -> Iterator[JournalRow]:
    """Yield the rows of a span, each node's in order.  Raises ``JournalUnavailable``."""
    with open_pages(place) as pages:
        rows, ends = pages.follow({}, ROWS_AT_ONCE)
        while rows:
            yield from (told.row for told in rows if span.has(told.row))
            rows, ends = pages.follow(ends, ROWS_AT_ONCE)

"""Answers that were not told, beside the rows of a journal: how they are noted, and read.

Plan: one text for the file and for PostgreSQL.  A note names a request by its whole key and its
receipt, as its rows have them, and stays when it is taken back, with the time of that.
Limits: the notes are in no chain: whoever writes into the database may forge one, and with it
what a report leaves out, but no row.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atm_switch.adapters.journal_rows import from_microseconds, to_microseconds
from atm_switch.switch.ports import RepeatKey
from atm_switch.switch.untold import Telling, Untold

_KEY: Final = ("acquirer", "terminal", "stamp", "stan", "rrn")
_COLUMNS: Final = ", ".join(_KEY)
_ASKED: Final = " AND ".join(f"{name} = ?" for name in _KEY)
# Joined to an empty text, the acquirer leads into no index: SQLite, which knows nothing of how
# the rows are spread, went through all rows of a bank in place of the few of one RRN.
_ROW_ASKED: Final = _ASKED.replace("acquirer =", "acquirer || '' =")
_SAME: Final = " AND ".join(f"untold.{name} = journal_rows.{name}" for name in _KEY)
_ROW_SAME: Final = _SAME.replace("journal_rows.acquirer", "journal_rows.acquirer || ''")

_NOTE: Final = (
    f"INSERT INTO untold ({_COLUMNS}, received_at, why, at)"  # noqa: S608 - constants
    f" SELECT {_COLUMNS}, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT)"
    f" FROM journal_rows WHERE {_ROW_ASKED} AND kind = 'B' LIMIT 1 ON CONFLICT DO NOTHING"
)
_TAKE_BACK: Final = f"UPDATE untold SET told_at = ? WHERE {_ASKED} AND told_at IS NULL"  # noqa: S608 - constants

COUNTS: Final = (
    "SELECT outcome, response_code, why, count(*) FROM journal_rows"  # noqa: S608 - constants
    f" LEFT JOIN untold ON {_SAME} AND untold.received_at = journal_rows.received_at"
    " AND untold.told_at IS NULL"
    " WHERE journal_rows.acquirer = ? AND journal_rows.business_date = ? AND kind = 'B'"
    " GROUP BY outcome, response_code, why ORDER BY response_code, outcome, why"
)
"""The endings of an acquirer's business date, by why they were not told; NULL where they were."""

OF_RRN: Final = f"SELECT {_COLUMNS}, at, why, told_at FROM untold WHERE rrn = ? ORDER BY at"  # noqa: S608 - constants
FORGET: Final = (
    "DELETE FROM untold WHERE received_at < ?"  # noqa: S608 - constants
    f" AND NOT EXISTS (SELECT 1 FROM journal_rows WHERE {_ROW_SAME})"
)
"""Purge the notes before a time whose rows are gone."""

Run = Callable[[str, Sequence[Any]], Iterable[tuple[Any, ...]]]
"""Runs a statement with ``?`` for its values; returns its rows."""


@dataclass(frozen=True, slots=True)
class UntoldAnswer:
    """When and why an answer did not leave, and when a repeat of it did."""

    key: RepeatKey
    at: datetime
    why: str
    told_at: datetime | None


def note(run: Run, telling: Telling, now: int) -> None:
    """Note, or take back, in the transaction under way; ``now`` in microseconds."""
    key = telling.key
    if isinstance(telling, Untold):
        run(_NOTE, (to_microseconds(telling.received_at), telling.why, now, *key))
    else:
        run(_TAKE_BACK, (now, *key))


def untold_answers(found: Iterable[tuple[Any, ...]]) -> list[UntoldAnswer]:
    """Make values of the rows of ``OF_RRN``."""
    return [
        UntoldAnswer(
            RepeatKey(*key), from_microseconds(at), why,
            None if told_at is None else from_microseconds(told_at),
        )
        for *key, at, why, told_at in found
    ]  # fmt: skip

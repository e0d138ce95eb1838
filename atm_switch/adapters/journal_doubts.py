"""Requests in doubt - an A without a B - and the ending each of them is given.

A process that dies between A and B has answered nobody, or nobody knows; whoever asks again
is processed anew.  So that the books add up - received = answered + in doubt - such an A gets
a B of its own: the outcome ``in_doubt``, no DE39, no response.  Its PIN try stays counted.
Plan: a *mark* says up to which row every A has its B.  One question looks through the next
rows behind the mark, in the writer's own transaction, and moves it; whoever asks decides how
far (``settling.py``).  One text serves the file and a node on PostgreSQL.
Limits: only what this writer itself appends to is looked at: its file, or its node.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from atm_switch.adapters.journal_rows import COLUMN_LIST, ENDED, JournalRow, row_from
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.switch.ports import Ask

REASON: Final = "no ending was written: the switch died, or the journal could not write"
ROWS_AT_ONCE: Final = 2_000
"""Rows one question looks through: some milliseconds of the writer's."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How far it is: every A up to row ``mark`` has its B; ``last`` is the newest row.

    ``ended`` names the acquirer of each request that was given its ending just now.
    """

    mark: int
    last: int
    ended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettleDoubts(Ask[Settled]):
    """End what is in doubt in the next rows behind the mark, at most up to ``through``.

    Nothing up to there may be under way any more.  0 changes nothing and tells how far it is.
    """

    through: int


@dataclass(frozen=True, slots=True)
class _Words:
    """The statements of one database."""

    mark: str
    first: str
    in_doubt: str
    move: str


_OPEN: Final = (
    "SELECT {columns} FROM journal_rows WHERE {mine}seq > {after} AND seq <= {upto}"
    " AND kind = 'A' AND {unended} ORDER BY seq"
)
OF_FILE: Final = _Words(
    mark="SELECT seq FROM journal_settled",
    first="SELECT seq FROM journal_rows WHERE seq > ? ORDER BY seq LIMIT 1",
    in_doubt=_OPEN.format(
        columns=COLUMN_LIST,
        mine="",
        after="?",
        upto="?",
        unended="NOT EXISTS (SELECT 1 FROM journal_rows AS ending"
        " WHERE ending.ref = journal_rows.seq)",
    ),
    move="UPDATE journal_settled SET seq = ?",
)
OF_NODE: Final = _Words(
    mark="SELECT seq FROM settled WHERE node = $1",
    first="SELECT seq FROM journal_rows WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT 1",
    in_doubt=_OPEN.format(
        columns=COLUMN_LIST, mine="node = $1 AND ", after="$2", upto="$3",
        # The bounds again, so that no plan looks at the endings of all rows there ever were; and
        # NOT IN, which hashes those of the page once, where a join would compare each with each.
        unended="seq NOT IN (SELECT ending.ref FROM journal_rows AS ending"
        " WHERE ending.node = $1 AND ending.ref > $2 AND ending.ref <= $3)",
    ),
    move="INSERT INTO settled (node, seq) VALUES ($1, $2)"
    " ON CONFLICT (node) DO UPDATE SET seq = excluded.seq",
)  # fmt: skip

Run = Callable[..., Iterable[tuple[Any, ...]]]
"""Runs a statement with its values, those of the node already there; returns its rows."""


def settle(
    question: SettleDoubts, last: int, words: _Words, run: Run, end: Callable[[JournalRow], None]
) -> Settled:
    """Answer the question where ``last`` is the newest row; ``end`` appends the B of an A."""
    mark = _number(run(words.mark), 0)
    through = min(question.through, last)
    if mark >= through:
        return Settled(mark, last)
    # Where the oldest rows were purged the search begins at what is left.
    before = _number(run(words.first, mark), through + 1) - 1
    upto = min(max(mark, before) + ROWS_AT_ONCE, through)
    rows = [row_from(tuple(cells)) for cells in run(words.in_doubt, mark, upto)]
    for row in rows:
        end(row)
    run(words.move, upto)
    return Settled(upto, last + len(rows), tuple(row.acquirer for row in rows))


def doubtful_ending(reserved: JournalRow, seq: int, written_at: int) -> JournalRow:
    """Make the B of an A in doubt, still without its chain."""
    return replace(
        reserved,
        seq=seq,
        kind=ENDED,
        ref=reserved.seq,
        written_at=written_at,
        pin_tries=None,
        pin_granted=None,
        outcome=IN_DOUBT,
        response_code="",
        reason=REASON,
        kpj_masked="",
        host_reference="",
        elapsed_us=0,
        resets_tries=0,
        chain=b"",
    )


def _number(rows: Iterable[tuple[Any, ...]], otherwise: int) -> int:
    return next((int(one) for (one,) in rows), otherwise)

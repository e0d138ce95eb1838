"""Requests in doubt of nodes that are gone, ended in their place.

Why: a node ends its own at its next start, and a machine that never starts again would leave
them in the books for good.
Plan: whoever holds the lock of a node's name is that node as far as the journal goes.  Where
the lock is free nobody writes as the node; it is taken for one page of rows at a time, and
what is old enough gets its ending in the node's own chain, which every machine has the keys
of.  A node that starts meanwhile waits for that page, and goes on behind it.
Limits: what the server sees as gone may be a machine that is cut off; it lost its connection
then, reads its chain anew when it is back, and a request it still had under way would have
been answered, or given up, long before the bound.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from atm_switch.adapters.journal_batch import Ink
from atm_switch.adapters.journal_chain import chains_of
from atm_switch.adapters.journal_doubts import Settled, SettleDoubts
from atm_switch.adapters.journal_heads import HeadNotOurs
from atm_switch.adapters.journal_rows import to_microseconds
from atm_switch.adapters.postgres_batch import read_heads, write_batch
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_reader import translated
from atm_switch.adapters.postgres_schema import NODES, opened, require_newest
from atm_switch.domain.errors import Refused
from atm_switch.security.vault import Vault

SECONDS_MAX: Final = 10.0

_BEHIND: Final = (
    "SELECT heads.node FROM heads LEFT JOIN settled ON settled.node = heads.node"
    " WHERE heads.book = 'journal' AND heads.seq > coalesce(settled.seq, 0) ORDER BY heads.node"
)
_MARK: Final = "SELECT coalesce((SELECT seq FROM settled WHERE node = $1), 0)"
_LAST_OLD: Final = (
    "SELECT seq FROM journal_rows WHERE node = $1 AND written_at < $2 ORDER BY seq DESC LIMIT 1"
)
_TAKE: Final = "SELECT pg_try_advisory_lock($1, hashtext($2))"
_GIVE_BACK: Final = "SELECT pg_advisory_unlock($1, hashtext($2))"


@dataclass(slots=True)
class Left:
    """What became of a node that has rows behind its mark."""

    node: str
    lives: bool = False
    """Somebody writes as it: it ends its own."""
    ended: Counter[str] = field(default_factory=Counter)
    """How many requests were ended, by acquirer."""


def settle_dead_nodes(
    url: str, vault: Vault, clock: Callable[[], datetime], nonce: Callable[[int], bytes],
    before: datetime,
) -> list[Left]:  # fmt: skip
    """End what nodes that are gone left in doubt in rows written before a time (UTC).

    Raises ``Refused`` for a head that is not ours, ``JournalUnavailable``.
    """
    session = opened(url, SECONDS_MAX)
    try:
        with translated():
            require_newest(session)
            nodes = [node for (node,) in session.rows(_BEHIND)]
            return [_Settling(session, node, vault, clock, nonce).done(before) for node in nodes]
    finally:
        session.close()


class _Settling:
    """Of one node."""

    def __init__(
        self, session: PostgresSession, node: str, vault: Vault, clock: Callable[[], datetime],
        nonce: Callable[[int], bytes],
    ) -> None:  # fmt: skip
        self._session, self._node = session, node
        self._ink = Ink(vault, *chains_of(vault, node), clock, nonce, is_shared=True)

    def done(self, before: datetime) -> Left:
        """End page after page of what is old enough, as long as nobody else is the node."""
        left, session = Left(self._node), self._session
        found = session.rows(_LAST_OLD, self._node, to_microseconds(before))
        through = int(found[0][0]) if found else 0
        mark = int(session.rows(_MARK, self._node)[0][0])
        while mark < through and not left.lives:
            left.lives = not session.rows(_TAKE, NODES, self._node)[0][0]
            if not left.lives:
                settled = self._page(through)
                left.ended.update(settled.ended)
                mark = settled.mark
        return left

    def _page(self, through: int) -> Settled:
        try:
            heads = read_heads(self._session, self._node, self._ink)
            question = SettleDoubts(through)
            answers, _ = write_batch(self._session, self._node, self._ink, heads, [question])
        except HeadNotOurs:
            raise Refused(
                f'the chain of node "{self._node}" was written with other keys, or its head was '
                "changed: see journal verify"
            ) from None
        finally:
            self._session.rows(_GIVE_BACK, NODES, self._node)
        settled: Settled = answers[0]
        return settled

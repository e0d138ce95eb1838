"""The outbox of a PostgreSQL journal, as the one process tells it that is elected to.

Plan: whoever holds the advisory lock tells; the others ask for it again and again, so that
where a teller dies another goes on behind the mark.  Events of all nodes are numbered when
they are read, in the order of their transactions, and only those older than every
transaction still under way: what is committed later can never belong before them.  So the
events of a terminal stand in the order in which it was answered, whichever node did.
Who is elected also tells who of all terminals is heard (``fleet_teller``).
Limits: for a thread that may wait; each call is a query or three.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from atm_switch.adapters.outbox_reader import ROWS_AT_ONCE, UNHEARD, Stretch
from atm_switch.adapters.outbox_rows import SELECT_SHARED, event_from
from atm_switch.adapters.postgres_link import BY_INDEX, PostgresSession, driver
from atm_switch.adapters.postgres_schema import WHAT, opened, require_newest
from atm_switch.adapters.side_thread import SideThread
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.switch.fleet import ACTIVE, TERMINALS_MAX, TerminalName

SECONDS_MAX: Final = 5.0
HANGS_SECONDS: Final = 1.0
"""A call that takes longer is not waited for where the switch stops."""
NUMBERED_AT_ONCE: Final = 500
_TELLING: Final = 8583004
"""The advisory lock of whoever tells the events."""

_FRESH: Final = (
    "SELECT id FROM outbox WHERE seq IS NULL"
    " AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT $1"
)
_GIVE: Final = "UPDATE outbox_mark SET given = given + $1 RETURNING given"
_NUMBER: Final = (
    "UPDATE outbox SET seq = numbered.seq FROM unnest($1::bigint[], $2::bigint[])"
    " AS numbered (id, seq) WHERE outbox.id = numbered.id"
)
_SINCE: Final = SELECT_SHARED + "WHERE outbox.seq > $1 ORDER BY outbox.seq LIMIT $2"
_WAITING: Final = (
    "SELECT (SELECT given - seq FROM outbox_mark) + (SELECT count(*) FROM outbox WHERE seq IS NULL)"
)
_ENDS: Final = "SELECT node, seq FROM heads WHERE book = 'journal'"
_IS_HEARD: Final = f"kind = 'B' AND outcome NOT IN ({UNHEARD})"
_HEARD: Final = (
    "SELECT DISTINCT acquirer, terminal FROM unnest($1::text[], $2::bigint[], $3::bigint[])"  # noqa: S608 - constants
    " AS looked (node, after, through) CROSS JOIN LATERAL (SELECT acquirer, terminal"
    " FROM journal_rows WHERE node = looked.node AND seq > looked.after AND seq <= looked.through"
    f" AND {_IS_HEARD} OFFSET 0) AS heard"
)
_LAST_HEARD: Final = (
    "SELECT acquirer, terminal, max(written_at) AS at FROM journal_rows"  # noqa: S608 - constants
    f" WHERE written_at >= $1 AND {_IS_HEARD}"
    " GROUP BY acquirer, terminal ORDER BY at DESC LIMIT $2"
)
_ACTIVE: Final = (
    "SELECT acquirer, terminal FROM terminal_status WHERE state = $1 ORDER BY at DESC LIMIT $2"
)

T = TypeVar("T")


class SharedOutbox:
    """What there is to tell, for the elected.

    Every method raises ``JournalUnavailable`` where the database is away, or another
    process tells.
    """

    def __init__(self, url: str, switch: str) -> None:
        """Connect when asked; ``switch`` is the name events are told under."""
        self._url, self._switch = url, switch
        self._session: PostgresSession | None = None
        self.term = 0
        """The how-many-eth election this process has won."""
        # The session brings a loop of its own, which cannot run in a thread that has one.
        self._thread = SideThread("outbox")

    def mark(self) -> int:
        """Return up to which sequence the broker has acknowledged all events."""
        return self._ask(lambda session: int(session.rows("SELECT seq FROM outbox_mark")[0][0]))

    def since(self, after: int, count_max: int) -> Stretch:
        """Number what is new; return the events behind a sequence, at most so many."""
        return self._ask(lambda session: self._since(session, after, count_max))

    def waiting(self) -> int:
        """Return how many events are still to be told."""
        return self._ask(lambda session: int(session.rows(_WAITING)[0][0]))

    def ends(self) -> dict[str, int]:
        """Return the last row of every node."""
        return self._ask(lambda session: dict(session.rows(_ENDS)))

    def heard_behind(self, ends: Mapping[str, int]) -> tuple[list[TerminalName], dict[str, int]]:
        """Return whose proper requests ended behind some rows, and up to which rows that is."""

        def looked(session: PostgresSession) -> tuple[list[TerminalName], dict[str, int]]:
            through = {
                node: min(seq, ends.get(node, 0) + ROWS_AT_ONCE)
                for node, seq in session.rows(_ENDS)
            }
            grown = [node for node, seq in through.items() if seq > ends.get(node, 0)]
            bounds = [ends.get(node, 0) for node in grown], [through[node] for node in grown]
            found = session.rows(_HEARD, grown, *bounds) if grown else []
            return [(acquirer, terminal) for acquirer, terminal in found], through

        return self._ask(looked)

    def last_heard(self, since: int) -> list[tuple[TerminalName, int]]:
        """Return who was heard since a time (microseconds) and when, longest ago first."""
        found = self._ask(lambda session: session.rows(_LAST_HEARD, since, TERMINALS_MAX))
        return [((acquirer, terminal), at) for acquirer, terminal, at in found[::-1]]

    def active_terminals(self) -> list[TerminalName]:
        """Return the terminals last said to be active, the one said longest ago first."""
        found = self._ask(lambda session: session.rows(_ACTIVE, ACTIVE, TERMINALS_MAX))
        return [(acquirer, terminal) for acquirer, terminal in found[::-1]]

    def close(self) -> None:
        """Let another process tell."""
        self._thread.begin(self._drop)
        self._thread.close(0.0 if self.hangs else SECONDS_MAX)

    @property
    def hangs(self) -> bool:
        """Whether the database has not answered for a while."""
        return self._thread.busy_seconds > HANGS_SECONDS

    def _ask(self, question: Callable[[PostgresSession], T]) -> T:
        return self._thread.begin(lambda: self._answer(question)).result()

    def _answer(self, question: Callable[[PostgresSession], T]) -> T:
        asyncpg = driver(WHAT)
        try:
            return question(self._elected())
        except Refused as away:
            raise JournalUnavailable(str(away)) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self._drop()  # whether it is still elected is not known
            raise JournalUnavailable(f"the outbox is away: {type(error).__name__}") from None

    def _elected(self) -> PostgresSession:
        if self._session is None:
            session = opened(self._url, SECONDS_MAX, BY_INDEX)
            try:
                _elect(session)
            except BaseException:
                session.close()
                raise
            self._session = session  # not before: whoever holds one tells
            self.term += 1
        return self._session

    def _since(self, session: PostgresSession, after: int, count_max: int) -> Stretch:
        with session.transaction():
            fresh = [one for (one,) in session.rows(_FRESH, NUMBERED_AT_ONCE)]
            if fresh:
                last = session.rows(_GIVE, len(fresh))[0][0]
                session.rows(_NUMBER, fresh, list(range(last - len(fresh) + 1, last + 1)))
        found: list[tuple[Any, ...]] = session.rows(_SINCE, after, count_max)
        made = (event_from(row, self._switch) for row in found)
        events = tuple(event for event in made if event is not None)
        return Stretch(events, found[-1][0] if found else after)

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _elect(session: PostgresSession) -> None:
    """Have a session be the one that tells.  Raises ``JournalUnavailable``, and ``Refused``."""
    require_newest(session)
    if not session.rows("SELECT pg_try_advisory_lock($1)", _TELLING)[0][0]:
        raise JournalUnavailable("another switch tells the events of this journal")

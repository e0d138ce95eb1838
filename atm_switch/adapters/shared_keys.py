"""The sealed key file as several machines must have it: one row of the journal's database.

Plan: whoever changes keys holds the row from reading to writing, so that no change is lost,
and notifies the others in the same commit.  What is there is the key file's own content,
sealed under the master, which is not there: the database opens nothing.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from atm_switch.adapters.postgres_link import PostgresSession, driver
from atm_switch.adapters.postgres_schema import WHAT, migrate, opened
from atm_switch.adapters.postgres_shared import CHANNEL, KEYS
from atm_switch.domain.errors import Refused

SECONDS_MAX = 10.0
_HOLDING = 8583003
"""The advisory lock of whoever changes keys."""


class SharedKeys:
    """The keys while they are held."""

    def __init__(self, session: PostgresSession) -> None:
        """Read them; ``content`` is ``None`` where there are none yet."""
        self._session = session
        found = session.rows("SELECT envelope FROM key_file")
        self.content: bytes | None = found[0][0] if found else None

    def put(self, content: bytes) -> None:
        """Write them, for all machines."""
        self._session.rows(
            "INSERT INTO key_file AS held (one, version, envelope) VALUES (1, 1, $1)"
            " ON CONFLICT (one) DO UPDATE SET version = held.version + 1,"
            " envelope = excluded.envelope",
            content,
        )
        self._session.rows("SELECT pg_notify($1, $2)", CHANNEL, KEYS)
        self.content = content


@contextmanager
def held_keys(url: str) -> Iterator[SharedKeys]:
    """Hold the keys for a change; what was put is durable at the end, or nothing is.

    Raises ``Refused`` where the database cannot be reached or written.
    """
    asyncpg = driver(WHAT)
    with closing(opened(url, SECONDS_MAX)) as session:
        try:
            migrate(session)
            with session.transaction():
                session.rows("SELECT pg_advisory_xact_lock($1)", _HOLDING)
                yield SharedKeys(session)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Refused(
                f"the keys on PostgreSQL cannot be changed: {type(error).__name__}"
            ) from None

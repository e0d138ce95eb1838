"""The journal's PostgreSQL database as this program wants it: schema, durability, one node once.

Plan: numbered migrations as for a file, their version in ``journal_version``; a database
of another version is refused, and so is one that does not keep what it says it keeps.
Machines are brought up to date one by one (``sql_dialect``).
Every process that writes holds the lock of its node's name for as long as it is connected.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from atm_switch.adapters.advisory_lock import took_lock
from atm_switch.adapters.postgres_link import PostgresSession, driver
from atm_switch.adapters.schema import migrations_of
from atm_switch.adapters.sql_dialect import POSTGRESQL, found_in, numbered, works_from
from atm_switch.domain.errors import Refused

FAMILY: Final = "journal_postgresql"
WHAT: Final = "the journal"
_MIGRATING: Final = 8583002
"""The advisory lock of whoever brings the schema up to date."""
NODES: Final = 8583
"""The space of the locks of nodes."""

_FOUND: Final = found_in("journal_version")  # the column came with schema 8

DURABLE: Final = ("on", "remote_apply", "remote_write", "local")
"""What ``synchronous_commit`` may be: each waits for this server's own disk."""


def migrate(session: PostgresSession) -> None:
    """Make the schema, or bring it up to date.

    Raises ``Refused`` for a newer one with which this program does not work.
    """
    migrations = migrations_of(FAMILY, POSTGRESQL)
    newest = migrations[-1][0]
    with session.transaction():
        session.rows("SELECT pg_advisory_xact_lock($1)", _MIGRATING)
        session.run("CREATE TABLE IF NOT EXISTS journal_version (version BIGINT NOT NULL)")
        version, oldest = _found(session)
        if oldest > newest:
            raise Refused(
                f"the journal has schema {version}, this program knows up to {newest}; "
                "use the atm-switch release that made it, or a later one"
            )
        for number, text in migrations:
            if number > version:
                session.run(text)
                session.run("DELETE FROM journal_version")
                session.rows("INSERT INTO journal_version VALUES ($1)", number)
                oldest = max(oldest, works_from(number, text))
        if version < newest:
            session.rows("UPDATE journal_version SET works_from = $1", oldest)


def _found(session: PostgresSession) -> tuple[int, int]:
    """Return the schema there is and the oldest whose programs work with it."""
    version, oldest = session.rows(_FOUND)[0]
    return version, version if oldest is None else oldest


def require_newest(session: PostgresSession) -> None:
    """Raise ``Refused`` for a schema that is older, or with which this program does not work."""
    newest = migrations_of(FAMILY, POSTGRESQL)[-1][0]
    try:
        version, oldest = _found(session)
    except driver(WHAT).UndefinedTableError:
        raise Refused(
            "the journal's PostgreSQL has no schema of ours; it gets one when the switch is "
            "first started"
        ) from None
    if version < newest or oldest > newest:
        raise Refused(
            f"the journal has schema {version}, this program needs {newest}; start the switch "
            "to bring it up to date, or use the atm-switch release that made it"
        )


def require_durable(session: PostgresSession) -> None:
    """Raise ``Refused`` where the server does not wait for its disk at a commit."""
    for name, sound in (
        ("fsync", ("on",)),
        ("full_page_writes", ("on",)),
        ("synchronous_commit", DURABLE),
    ):
        value = session.rows("SELECT current_setting($1)", name)[0][0]
        if value not in sound:
            raise Refused(
                f"the journal's PostgreSQL has {name} = {value}, so that a crash would lose "
                f"answers that were given; set {name} = on"
            )


def take_node(session: PostgresSession, node: str, seconds: float) -> None:
    """Take a node's name for as long as this connection lasts.

    Raises ``Refused`` where another process has it and does not let go of it in time.
    """
    held = driver(WHAT).LockNotAvailableError
    run = lambda sql, values: session.rows(numbered(sql), *values)  # noqa: E731
    if not took_lock(run, (NODES, node), held, seconds):
        raise Refused(
            f'another switch writes the journal as "{node}"; give each its own [journal] node'
        )


class NoAnswer(Refused):
    """The server was reached, or not even that, and did not answer in time."""


def opened(
    url: str, seconds_max: float = 0, settings: Mapping[str, str] = MappingProxyType({})
) -> PostgresSession:
    """Connect, with ``settings`` of the session.

    Raises ``Refused``, in words for the person at the terminal.
    """
    asyncpg = driver(WHAT)
    barred = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
    try:
        return PostgresSession(url, WHAT, seconds_max, settings)
    except barred as error:
        raise Refused(
            f"the journal's PostgreSQL does not let us in ({type(error).__name__}); "
            "see journal.url, and PGPASSFILE for the password"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        kind = NoAnswer if isinstance(error, TimeoutError) else Refused
        raise kind(f"the journal's PostgreSQL cannot be reached: {reason}") from None

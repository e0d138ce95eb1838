"""The ledger's database on PostgreSQL, for the commands that write it.

Plan: asyncpg on a ``CallLoop``, one call at a time, so that a command reads like
one on SQLite; values travel typed, loads are COPY.
Limits: ``url`` is a ``postgresql://`` address or DSN asyncpg takes.  Its password is shown
nowhere: errors name the host and the database only.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, ParamSpec, TypeVar

from atm_switch.adapters.call_loop import CallLoop
from atm_switch.adapters.postgres_link import CONNECT_SECONDS, connected, driver
from atm_switch.adapters.postgres_turn import have_server_give_way, turn_settings
from atm_switch.adapters.schema import migrations_of
from atm_switch.adapters.sql_dialect import POSTGRESQL, found_in, numbered, works_from
from atm_switch.domain.errors import Refused
from atm_switch.ledger.store import LockedByAnother, Row, Value
from atm_switch.ledger.store_sqlite import FAMILY

_MIGRATING: Final = 8583001
"""The advisory lock of whoever brings the schema up to date."""
NEWEST: Final = migrations_of(FAMILY, POSTGRESQL)[-1][0]
"""The schema of this program, as it was loaded: of another release its files may be by now."""
_FOUND: Final = found_in("schema_version")
_KEEPS: Final = "ALTER TABLE schema_version ADD COLUMN IF NOT EXISTS works_from BIGINT"
"""The table is no migration's, so nor is its column."""

_NOTICE_OUR_END: Final = """
SELECT set_config(name, '1s', false) FROM pg_settings
WHERE name = 'client_connection_check_interval'
"""

P = ParamSpec("P")
T = TypeVar("T")


class PostgresStore:
    """A ``Store`` on a PostgreSQL database, its schema made or brought up to date."""

    is_postgres = True

    def __init__(self, url: str) -> None:
        """Connect and migrate.  Raises ``Refused``."""
        self._loop = CallLoop()
        try:
            self._connection = self._wait(connected, url, settings=turn_settings())
        except BaseException:
            self._loop.close()
            raise
        try:
            have_server_give_way(self._connection)
            self._be_missed()
            self._migrate()
        except BaseException:
            self.close()
            raise

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return all it yields."""
        found = self._wait(self._connection.fetch, numbered(sql), *values)
        return [tuple(row) for row in found]

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        told = self._wait(self._connection.execute, numbered(sql), *values)
        count = str(told).rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    def change_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each of ``rows``, pipelined."""
        self._wait(self._connection.executemany, numbered(sql), rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
        """Append rows with COPY in its binary form."""
        schema, _, name = table.rpartition(".")
        self._wait(
            self._connection.copy_records_to_table,
            name,
            schema_name=schema or None,
            columns=list(columns),
            records=rows,
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, roll back on any error.

        Raises ``Refused`` where the schema is by now one with which this program does not work; and
        it stays as it is for the block: what a newer program does to the version waits for that.
        """
        with self._held("BEGIN", "COMMIT"):
            _require_let_in(*_read(self.rows(_FOUND)[0]))
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read as of one moment."""
        with self._held("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "ROLLBACK"):
            yield

    def close(self) -> None:
        """End the connection."""
        try:
            with suppress(Refused):
                self._wait(self._connection.close, timeout=CONNECT_SECONDS)
        finally:
            self._loop.close()

    @contextmanager
    def _held(self, begin: str, end: str) -> Iterator[None]:
        self.change(begin)
        try:
            yield
            self.change(end)
        except BaseException:
            # Ctrl-C between BEGIN and the block leaves this to the collector, maybe behind the end
            # of the connection, which has rolled back by itself.
            if not self._loop.is_closed:
                with suppress(Refused):
                    self.change("ROLLBACK")
            raise

    def _be_missed(self) -> None:
        # A command that was killed would else go on at the server, its locks held, until the
        # statement of minutes is done.  From PostgreSQL 14, and where the kernel tells.
        with suppress(Refused):
            self.rows(_NOTICE_OUR_END)

    def _migrate(self) -> None:
        migrations = migrations_of(FAMILY, POSTGRESQL)
        newest = migrations[-1][0]
        with self._held("BEGIN", "COMMIT"):
            self.rows("SELECT pg_advisory_xact_lock(?)", (_MIGRATING,))
            self.change("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
            version, oldest = _read(self.rows(_FOUND)[0])
            _require_let_in(version, oldest, newest)
            for number, text in migrations:
                if number > version:
                    self._wait(self._connection.execute, text)
                    self.change("DELETE FROM schema_version")
                    self.change("INSERT INTO schema_version VALUES (?)", (number,))
                    oldest = max(oldest, works_from(number, text))
            if version < newest:
                self.change(_KEEPS)
                self.change("UPDATE schema_version SET works_from = ?", (oldest,))

    def _wait(
        self, call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with translated():
            return self._loop.run(call, *args, **kwargs)


def _read(found: Sequence[Any]) -> tuple[int, int]:
    """Return the schema there is and the oldest whose programs work with it."""
    version, oldest = found
    return version, version if oldest is None else oldest


def _require_let_in(version: int, oldest: int, newest: int = NEWEST) -> None:
    if oldest > newest:
        raise Refused(
            f"the ledger has schema {version}, this program knows up to {newest}; "
            "use the atm-switch release that made it, or a later one"
        )


async def is_shut_out(connection: Any) -> bool:
    """Tell whether the database is by now of a schema with which this program does not work."""
    _, oldest = _read(await connection.fetchrow(_FOUND))
    return oldest > NEWEST


async def require_newest(connection: Any) -> None:
    """Raise ``Refused`` for a schema that is older, or with which this program does not work."""
    try:
        version, oldest = _read(await connection.fetchrow(_FOUND))
    except Exception as error:  # noqa: BLE001  whatever it is, there is no schema of ours
        raise Refused(
            f"the ledger's PostgreSQL has no schema of ours ({type(error).__name__}); "
            "make it with: atm-switch ledger import"
        ) from None
    if version < NEWEST or oldest > NEWEST:
        if version < NEWEST and await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise Refused(
                f"the read replica has schema {version}, this program needs {NEWEST}; it gets "
                "that from its primary: import a file there, or wait until it has caught up"
            )
        raise Refused(
            f"the ledger has schema {version}, this program needs {NEWEST}; import a file to "
            "bring it up to date, or use the atm-switch release that made it"
        )


@contextmanager
def translated() -> Iterator[None]:
    """Turn what PostgreSQL says into ``Refused`` that quotes neither row nor password."""
    asyncpg = driver()
    try:
        yield
    except asyncpg.exceptions.LockNotAvailableError:
        raise LockedByAnother from None
    except asyncpg.exceptions.ReadOnlySQLTransactionError:
        raise Refused(
            "the ledger's PostgreSQL takes no writes, as a read replica does; ledger.url is for "
            "the primary, ledger.read_url for the replica"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # The message of a constraint may quote the row; its class does not.
        raise Refused(
            f"the ledger cannot be read or written, nothing was changed: {type(error).__name__}"
        ) from None
    except (TimeoutError, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no answer"
        raise Refused(f"the ledger's PostgreSQL cannot be reached: {reason}") from None

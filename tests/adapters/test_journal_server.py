"""One writer for the workers of a folder: all are answered, and told what others changed."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_server import JournalServer, Token, _soon
from atm_switch.adapters.journal_wire import framed, socket_name
from atm_switch.adapters.journal_writer import JournalWriter
from atm_switch.adapters.remote_journal import RemoteJournal
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.ports import AuditRecord, Commit, KeepBusinessDate, KeepRecord, TakeNumbers
from tests.doubles.journal_bench import clock, ending_of, entry_of, fresh_vault

SECONDS_MAX = 30.0
BANK = AcquirerId("009")
CUT_OVER = KeepBusinessDate(BANK, date(2026, 7, 1))


class Worker:
    """A worker's side: what it asks, and what it hears that others have changed."""

    def __init__(self, path: Path) -> None:
        """Wait for ``connect``."""
        self.news: list[str] = []
        self.taking_up: asyncio.Future[None] | None = None
        """What ends when news is taken up; ``None``: it is at once."""
        self.journal = RemoteJournal(path, self._heard)
        self.journal.start(self._answered)

    async def ask(self, question: Any) -> Any:
        """Ask, and wait for the answer; an error is one."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # a future would be one of the journal's own questions: the token is its box
        self.journal.submit(question, [answer])
        async with asyncio.timeout(SECONDS_MAX):
            return await answer

    def _heard(self, kind: str) -> "asyncio.Future[None] | None":
        self.news.append(kind)
        return self.taking_up

    @staticmethod
    def _answered(batch: list[tuple[Any, Any]]) -> None:
        for (answer,), said in batch:
            answer.set_result(said)


class House:
    """A server and its file."""

    def __init__(self, folder: Path, queue_max: int = 4096) -> None:
        """Lay it out in a folder."""
        self.path = folder / "writer.socket"
        self.writer: JournalWriter[Token] = JournalWriter(
            folder / "journal.db", fresh_vault(), clock, os.urandom, queue_max, is_shared=True
        )
        self.server = JournalServer(self.path, self.writer)
        self.workers: list[Worker] = []

    async def worker(self) -> Worker:
        """Connect one more."""
        made = Worker(self.path)
        await made.journal.connect()
        self.workers.append(made)
        await self.until(lambda: self.server.workers >= len(self.workers))
        return made

    @staticmethod
    async def until(is_so: Any) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(SECONDS_MAX):
            while not is_so():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def house(folder: Path, **options: Any) -> AsyncIterator[House]:
    """Serve for a block."""
    made = House(folder, **options)
    made.server.start()
    await made.server.open()
    try:
        yield made
    finally:
        for worker in made.workers:
            worker.journal.stop()
        made.server.close()


async def test_workers_and_the_process_itself_share_one_file(tmp_path: Path) -> None:
    """Each gets its own answers, and the blocks of numbers they draw are different ones."""
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()

        blocks = await asyncio.gather(
            first.ask(TakeNumbers()), second.ask(TakeNumbers()), one.server.ask(TakeNumbers())
        )
        written = await first.ask(Commit(entry_of(1), ending_of(), None))

    assert 3 == len(set(blocks))
    assert written is None


async def test_socket_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else of the machine may write; a socket left behind by a crash is no obstacle."""
    (tmp_path / "writer.socket").touch()

    async with house(tmp_path) as one:
        mode = one.path.stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert 0 == mode & 0o077
    assert not one.path.exists()


async def test_cut_over_is_told_to_all_others(tmp_path: Path) -> None:
    """Before it is answered; whoever asked for it knows."""
    async with house(tmp_path) as one:
        workers = [await one.worker() for _ in range(3)]

        answer = await workers[0].ask(CUT_OVER)
        await House.until(lambda: workers[1].news and workers[2].news)

        assert answer is None
        assert [[], ["dates"], ["dates"]] == [worker.news for worker in workers]


async def test_what_the_writer_does_not_take_is_unavailable(tmp_path: Path) -> None:
    """
    A writer that has ended, or a question that makes no sense: an answer, never silence, and
    what was sent beside it is written.
    """
    async with house(tmp_path) as one:
        worker = await one.worker()
        senseless = KeepRecord(AuditRecord("no such kind", "switch", "bank"))
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        worker.journal._submit(senseless, [answer])
        block = await worker.ask(TakeNumbers())  # in one frame with it
        async with asyncio.timeout(SECONDS_MAX):
            refused = await answer
        one.writer.stop()

        late = await worker.ask(TakeNumbers())
        with pytest.raises(JournalUnavailable, match="not running"):
            await one.server.ask(TakeNumbers())

    assert isinstance(refused, JournalUnavailable)
    assert "ValueError" == str(refused)
    assert isinstance(block, int)
    assert isinstance(late, JournalUnavailable)
    assert "the journal's writer is not running, or too many rows wait for it" == str(late)


def broken(*_what: object) -> list[Any]:
    """Commit nothing: the disk is gone."""
    raise OSError("the disk is gone")


async def test_question_that_fails_is_an_error_to_whoever_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process's own question raises; a cut-over that failed is no news."""
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()
        monkeypatch.setattr(one.writer, "_commit", broken)

        answer = await first.ask(CUT_OVER)
        monkeypatch.undo()
        again = await second.ask(TakeNumbers())

    assert isinstance(answer, JournalUnavailable)
    assert isinstance(again, int)
    assert [] == second.news


async def test_own_question_that_fails_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one nobody waits for any more is dropped when its answer comes."""
    async with house(tmp_path) as one:
        given_up = asyncio.create_task(one.server.ask(TakeNumbers()))
        await asyncio.sleep(0)
        given_up.cancel()
        assert isinstance(await one.server.ask(TakeNumbers()), int)
        monkeypatch.setattr(one.writer, "_commit", broken)

        with pytest.raises(JournalUnavailable):
            await one.server.ask(TakeNumbers())


async def test_stranger_is_cut_off(tmp_path: Path) -> None:
    """What no worker says ends the connection, and nobody else's."""
    async with house(tmp_path) as one:
        worker = await one.worker()
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.setblocking(False)  # noqa: FBT003 - the standard library's way
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stranger, socket_name(one.path))
            await loop.sock_sendall(stranger, framed([(1, print)]))
            async with asyncio.timeout(SECONDS_MAX):
                try:
                    rest = await loop.sock_recv(stranger, 100)
                except ConnectionResetError:
                    rest = b""

        assert b"" == rest
        assert isinstance(await worker.ask(TakeNumbers()), int)
        await House.until(lambda: one.server.workers == 1)


async def test_answer_to_a_worker_that_is_gone_is_nobodys(tmp_path: Path) -> None:
    """What it asked is written; the others go on."""
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()
        (its,) = (w for w in list(one.server._workers)[:1])
        first.journal.stop()
        second.journal.stop()
        await House.until(lambda: one.server.workers == 0)

        its.say([(1, None)])
        its.data_received(framed([(1, print)]))

        assert isinstance(await one.server.ask(TakeNumbers()), int)


async def test_what_was_sent_has_not_failed_where_its_worker_leaves(tmp_path: Path) -> None:
    """It is written; a worker that stops hears of it neither that nor that the writer has ended."""
    async with house(tmp_path) as one:
        worker = await one.worker()
        asking = asyncio.ensure_future(worker.ask(CUT_OVER))
        await asyncio.sleep(0)
        worker.journal.stop()
        await House.until(lambda: one.server.workers == 0)
        await one.server.ask(TakeNumbers())  # behind it in the queue
        await asyncio.sleep(0.01)
        is_over = asking.done()
        asking.cancel()
    with closing(JournalReader(tmp_path / "journal.db")) as reader:
        assert (False, CUT_OVER.business_date) == (is_over, reader.business_date(BANK.text))


async def test_server_that_never_opened_closes(tmp_path: Path) -> None:
    """Where a start was refused before anybody could connect."""
    one = House(tmp_path)
    one.server.start()

    one.server.close()

    assert not one.writer.is_writing


def test_answers_after_the_loop_are_nobodys() -> None:
    """The writer thread may outlive the loop by a batch."""
    loop = asyncio.new_event_loop()
    loop.close()

    _soon(loop, print, [])


async def test_server_that_is_shut_takes_no_more_and_goes_on_writing(tmp_path: Path) -> None:
    """Who is connected is answered, the socket is gone; a later writer's is left alone."""
    async with house(tmp_path) as one:
        worker = await one.worker()
        one.server.shut()
        gone = not one.path.exists()
        one.path.touch()  # a later writer's

        written = await worker.ask(Commit(entry_of(1), ending_of(), None))

    assert gone
    assert written is None
    assert one.path.exists()


async def test_server_whose_socket_was_taken_over_leaves_it_alone(tmp_path: Path) -> None:
    """A later writer has put its own there: that stays when this one ends."""
    async with house(tmp_path) as one:
        one.path.rename(one.path.with_suffix(".old"))  # its number stays in use
        one.path.touch()

        one.server.shut()

        assert one.path.exists()

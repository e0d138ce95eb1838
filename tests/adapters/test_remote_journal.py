"""A worker's side of the journal's socket, where who answers is slow, gone or no writer of ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_wire import Frames, KeysChanged, framed, socket_name
from atm_switch.adapters.remote_journal import RemoteJournal
from atm_switch.domain.errors import JournalUnavailable
from atm_switch.switch.ports import AuditRecord, KeepRecord, TakeNumbers

SECONDS_MAX = 30.0

Serve = Callable[[list[tuple[int, Any]], asyncio.StreamWriter], None]


class Asker:
    """A worker, with what it was answered and what it heard of others' changes."""

    def __init__(self, path: Path, queue_max: int = 4096) -> None:
        """Wait for ``connect``."""
        self.news: list[str] = []
        self.answers: asyncio.Queue[tuple[Any, Any]] = asyncio.Queue()
        self.journal = RemoteJournal(path, self._heard, queue_max)
        self.journal.start(self._answered)

    async def answer(self) -> tuple[Any, Any]:
        """Wait for the next answer: its token, and what was said."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self.answers.get()

    def _heard(self, kind: str) -> None:
        self.news.append(kind)

    def _answered(self, batch: list[tuple[Any, Any]]) -> None:
        for one in batch:
            self.answers.put_nowait(one)


@asynccontextmanager
async def writer(path: Path, serve: Serve) -> AsyncIterator[None]:
    """Listen as the writer's process does; ``serve`` gets each frame, and may answer it.

    At its end whoever connected must have hung up, or does.
    """
    talks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(talk(reader, to)))

    async def talk(reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        frames = Frames()
        while data := await reader.read(65_536):
            for frame in frames.receive(data):
                serve(frame, to)
        to.close()
        await to.wait_closed()

    server = await asyncio.start_unix_server(connected, socket_name(path))
    try:
        yield
    finally:
        server.close()
        async with asyncio.timeout(SECONDS_MAX):
            await asyncio.gather(*talks, return_exceptions=True)


async def within(ending: Awaitable[None]) -> None:
    """Wait for something to end."""
    async with asyncio.timeout(SECONDS_MAX):
        await ending


async def test_questions_that_are_not_answered_are_bounded(tmp_path: Path) -> None:
    """Before there is a writer none is taken; of a silent one, as many as the queue holds."""
    asker = Asker(tmp_path / "journal.sock", queue_max=2)
    states = [(asker.journal.is_writing, asker.journal.waiting)]
    with pytest.raises(JournalUnavailable, match=r"^the journal's writer is not running$"):
        asker.journal.submit(TakeNumbers(), "early")

    heard: asyncio.Queue[Any] = asyncio.Queue()
    async with writer(tmp_path / "journal.sock", lambda frame, _to: heard.put_nowait(frame)):
        await within(asker.journal.connect())
        asker.journal.submit(TakeNumbers(), "first")
        asker.journal.submit(TakeNumbers(), "second")
        with pytest.raises(JournalUnavailable, match=r"^too many rows wait for the journal$"):
            asker.journal.submit(TakeNumbers(), "third")
        states.append((asker.journal.is_writing, asker.journal.waiting))
        async with asyncio.timeout(SECONDS_MAX):
            sent = [await heard.get() for _ in range(2)]
        asker.journal.stop()

    assert 2 == len(sent)
    assert [(False, 0), (True, 2)] == states


async def test_writer_that_says_what_none_says_is_left(tmp_path: Path) -> None:
    """Whoever asked learns that it is not known, and a new connection is made and told of."""
    strange = [framed([(1, print)])]

    def serve(frame: list[tuple[int, Any]], to: asyncio.StreamWriter) -> None:
        ((number, _question),) = frame
        to.write(strange.pop() if strange else framed([(number, 4_711)]))

    asker = Asker(tmp_path / "journal.sock")
    async with writer(tmp_path / "journal.sock", serve):
        await within(asker.journal.connect())
        asker.journal.submit(TakeNumbers(), "first")
        token, said = await asker.answer()
        async with asyncio.timeout(SECONDS_MAX):
            while not asker.news:  # what was told meanwhile was not heard
                await asyncio.sleep(0.005)
        asker.journal.submit(TakeNumbers(), "second")

        assert ("second", 4_711) == await asker.answer()
        assert "first" == token
        assert isinstance(said, JournalUnavailable)
        assert ["dates", "keys"] == asker.news
        asker.journal.stop()


async def test_answer_to_what_was_not_asked_is_nobodys(tmp_path: Path) -> None:
    """A number that is no question's is passed over; what stands behind it is taken."""

    def serve(frame: list[tuple[int, Any]], to: asyncio.StreamWriter) -> None:
        ((number, _question),) = frame
        to.write(framed([(number + 1, "nobody's"), (-1, 0.25), (number, 17)]))

    asker, seconds = Asker(tmp_path / "journal.sock"), list[float]()
    asker.journal.on_commit = seconds.append
    async with writer(tmp_path / "journal.sock", serve):
        await within(asker.journal.connect())
        asker.journal.submit(TakeNumbers(), "it")

        assert ("it", 17) == await asker.answer()
        asker.journal.stop()

    assert ([0.25], True) == (seconds, asker.answers.empty())


async def test_change_is_said_without_waiting_for_a_writer_that_is_away(tmp_path: Path) -> None:
    """It ends, told or not: who is not told now reads the keys when back."""
    said: list[object] = []

    def serve(frame: list[tuple[int, Any]], to: asyncio.StreamWriter) -> None:
        ((number, question),) = frame
        said.append(question)
        to.write(framed([(number, None)]))

    asker = Asker(tmp_path / "journal.sock")
    await within(asker.journal.say_keys_changed())
    before = len(said)
    async with writer(tmp_path / "journal.sock", serve):
        await within(asker.journal.connect())
        await within(asker.journal.say_keys_changed())
        asker.journal.stop()

    assert (0, [KeysChanged]) == (before, [type(one) for one in said])


async def test_question_that_makes_no_sense_is_the_askers_mistake(tmp_path: Path) -> None:
    """It is raised before anything is sent: a record of a kind the audit does not speak of."""
    asker = Asker(tmp_path / "journal.sock")
    record = AuditRecord("gossip", "somebody", "nothing", "")

    with pytest.raises(ValueError, match=r"^the audit does not speak of records of this kind$"):
        asker.journal.submit(KeepRecord(record), "it")

    assert (False, 0) == (asker.journal.has_failed, asker.journal.waiting)


async def test_stop_ends_the_search_for_a_writer(tmp_path: Path) -> None:
    """A worker that stops while none is there looks for it no longer."""
    asker = Asker(tmp_path / "journal.sock")
    looking = asyncio.create_task(asker.journal.connect())
    await asyncio.sleep(0)

    asker.journal.stop()

    await within(looking)
    assert not asker.journal.is_writing


def test_strange_words_behind_the_end_are_nobodys(tmp_path: Path) -> None:
    """What is handed over when the connection is gone ends none, and raises nothing."""
    asker = Asker(tmp_path / "journal.sock")

    asker.journal.data_received(framed([(1, print)]))

    assert (False, True) == (asker.journal.is_writing, asker.answers.empty())

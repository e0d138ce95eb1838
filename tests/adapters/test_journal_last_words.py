"""What a worker has sent is written, also where the answer to something earlier met its end.

A write to a connection whose other end is gone fails, and asyncio then reads no more of it: a
writer that stood still while a switch stopped lost the row and the note that lay in its socket.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from atm_switch.adapters.journal_reader import JournalReader
from atm_switch.adapters.journal_server import READ_BYTES
from atm_switch.adapters.journal_wire import framed, socket_name
from atm_switch.server.event_loop import new_loop
from atm_switch.switch.ports import TakeNumbers
from tests.adapters.test_journal_server import BANK, CUT_OVER, SECONDS_MAX, House, house

QUESTION = framed([(2, CUT_OVER)])
LONG = b"".join(framed([(number, TakeNumbers())]) for number in range(3, 1_500))
"""Longer than what is read at once."""


async def _left_behind(folder: Path, sent: bytes) -> None:
    """Answer a worker that has sent something more and is gone by then."""
    async with house(folder) as one:
        with socket.socket(socket.AF_UNIX) as worker:
            worker.settimeout(SECONDS_MAX)
            worker.connect(socket_name(one.path))
            await House.until(lambda: one.server.workers == 1)
            (its,) = one.server._workers
            worker.sendall(sent)
        its.say([(1, None)])
        await House.until(lambda: one.server.workers == 0)


def _business_date(folder: Path) -> Any:
    with closing(JournalReader(folder / "journal.db")) as reader:
        return reader.business_date(BANK.text)


@pytest.mark.parametrize("sent", [QUESTION, LONG + QUESTION])
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, new_loop])
def test_last_words_of_a_worker_that_is_gone_are_written(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop], sent: bytes
) -> None:
    """The answer meets nobody; what it asked behind that is written all the same."""
    assert READ_BYTES < len(LONG)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_left_behind(tmp_path, sent))

    assert CUT_OVER.business_date == _business_date(tmp_path)


@pytest.mark.parametrize("sent", [framed([(1, print)]) + LONG + QUESTION, LONG + QUESTION[:-1]])
def test_last_words_that_no_worker_says_are_not_taken(tmp_path: Path, sent: bytes) -> None:
    """Nor is anything behind them; half a frame is none."""
    asyncio.run(_left_behind(tmp_path, sent))

    assert _business_date(tmp_path) is None


async def test_connection_without_a_socket_ends_as_any_other(tmp_path: Path) -> None:
    """Such as a simulated one: what was sent over it has been heard."""
    async with house(tmp_path) as one:
        its = one.server.worker()
        its.connection_made(asyncio.WriteTransport())
        there = one.server.workers

        its.connection_lost(None)

        assert (1, 0) == (there, one.server.workers)


async def test_worker_for_whom_no_descriptor_is_left_connects_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not half there: it would hear of no change, and nobody would wait for it."""

    def none_left(_descriptor: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    async with house(tmp_path) as one:
        with monkeypatch.context() as patch:
            patch.setattr("os.dup", none_left)
            with socket.socket(socket.AF_UNIX) as turned_away:
                turned_away.setblocking(False)  # noqa: FBT003 - the standard library's way
                loop = asyncio.get_running_loop()
                await loop.sock_connect(turned_away, socket_name(one.path))
                async with asyncio.timeout(SECONDS_MAX):
                    rest = await loop.sock_recv(turned_away, 100)
        there = one.server.workers
        worker = await one.worker()

        assert (b"", 0) == (rest, there)
        assert isinstance(await worker.ask(TakeNumbers()), int)

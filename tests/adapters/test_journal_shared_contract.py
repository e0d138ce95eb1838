"""What several processes on one journal may rely on, whatever it is made of.

Of one request one process writes row A; the others hear that it is under way, then its
answer.  Where that process is gone, or too long at it, the next to ask begins anew.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import Commit, Reservation, Reserve, StoredResponse, UnderWay
from tests.adapters.test_journal_server import House, Worker, house
from tests.doubles.journal_bench import NOON, card_of, ending_of, entry_of, since
from tests.doubles.postgres import PostgresServer
from tests.doubles.postgres_journal import PostgresJournalBench

SECOND = timedelta(seconds=1)
CARD = card_of(1)


class Process(Protocol):
    """One of the processes."""

    async def ask(self, question: Any) -> Any:
        """Put a question and wait; an error is an answer."""


class Pair:
    """Two processes on one journal."""

    one: Process
    two: Process

    async def kill_one(self) -> None:
        """End the first, and wait until the journal has noticed."""
        raise NotImplementedError


def row_a(number: int = 1, age: float = 0) -> Reserve:
    """Ask for row A of a request that came in so many seconds ago."""
    received = NOON - age * SECOND
    return Reserve(entry_of(number, CARD, received), 3, (), since(1), NOON - 16 * SECOND)


def off_by(hours: int, asked: Reserve) -> Reserve:
    """Ask the same on a machine whose clock is so many hours ahead."""
    shift = timedelta(hours=hours)
    assert asked.unless_since is not None
    assert asked.begun_since is not None
    return replace(
        asked,
        entry=replace(asked.entry, received_at=asked.entry.received_at + shift),
        unless_since=asked.unless_since + shift,
        begun_since=asked.begun_since + shift,
    )


def row_b(sequence: int | None, payload: bytes | None, number: int = 1) -> Commit:
    """Ask for row B."""
    return Commit(entry_of(number, CARD), ending_of(payload), sequence, since(1))


class SharedJournalContract:
    """The claims; a subclass has the fixture ``pair``."""

    async def test_request_under_way_is_begun_once(self, pair: Pair) -> None:
        """
        The second process writes no row and counts no try, however often it asks.
        """
        first = await pair.one.ask(row_a())

        seconds = [await pair.two.ask(row_a()) for _ in range(3)]
        other = await pair.two.ask(row_a(2))

        assert (1, True) == (first.tries, first.granted)
        assert [UnderWay(entry_of(1).fingerprint)] * 3 == seconds
        assert 2 == other.tries

    async def test_answer_of_the_first_is_the_seconds(self, pair: Pair) -> None:
        """
        Once the first has its row B the second is given what it says, byte for byte.
        """
        first = await pair.one.ask(row_a())
        await pair.one.ask(row_b(first.sequence, b"first"))

        second = await pair.two.ask(row_a())

        assert StoredResponse(entry_of(1).fingerprint, b"first") == second

    async def test_answer_without_row_a_counts_as_well(self, pair: Pair) -> None:
        """
        Declined before a PIN was due: the second process begins nothing.
        """
        await pair.one.ask(row_b(None, b"declined"))

        assert b"declined" == (await pair.two.ask(row_a())).payload

    async def test_process_that_died_leaves_its_request(self, pair: Pair) -> None:
        """
        Killed between A and B: the next to ask has a row A of its own; the try stays counted.
        """
        await pair.one.ask(row_a())
        assert isinstance(await pair.two.ask(row_a()), UnderWay)

        await pair.kill_one()
        begun = await pair.two.ask(row_a())

        assert isinstance(begun, Reservation)
        assert 2 == begun.tries
        assert await pair.two.ask(row_b(begun.sequence, b"second")) is None

    async def test_request_too_long_under_way_is_begun_anew(self, pair: Pair) -> None:
        """
        What came in before the bound nobody is at work on; within it somebody may be.
        """
        await pair.one.ask(row_a(1, age=17))
        await pair.one.ask(row_a(2, age=0))  # a clock may run on for 16 s before the next asks

        answers = [await pair.two.ask(row_a(number)) for number in (1, 2)]

        assert [Reservation, UnderWay] == [type(answer) for answer in answers]

    @pytest.mark.parametrize("hours", [1, -1])
    async def test_clock_of_another_machine_makes_no_claim_old_or_young(
        self, pair: Pair, hours: int
    ) -> None:
        """
        The second's clock is an hour off: what is under way stays so, and what is old is begun.
        """
        under_way, given_up = row_a(1), row_a(2, age=17)
        for first in (under_way, given_up):
            await pair.one.ask(first)

        answers = [await pair.two.ask(off_by(hours, row_a(number))) for number in (1, 2)]

        assert [UnderWay, Reservation] == [type(answer) for answer in answers]

    @pytest.mark.parametrize("is_first", [True, False])
    async def test_first_answer_kept_counts_after_an_overtaking(
        self, pair: Pair, *, is_first: bool
    ) -> None:
        """
        Both are at work on it after all: whoever ends first is right, the other gets that.
        """
        old = row_a(1, age=17)
        slow, quick = await pair.one.ask(old), await pair.two.ask(row_a())
        late = Commit(old.entry, ending_of(b"slow"), slow.sequence, since(1))
        ends = [(pair.one, late), (pair.two, row_b(quick.sequence, b"quick"))]

        answers = [await process.ask(end) for process, end in ends[:: 1 if is_first else -1]]

        kept = b"slow" if is_first else b"quick"
        assert [None, StoredResponse(entry_of(1).fingerprint, kept)] == answers
        repeated = await (pair.two if is_first else pair.one).ask(row_a())
        assert kept == repeated.payload

    async def test_own_request_in_doubt_is_begun_anew(self, pair: Pair) -> None:
        """
        A process that asks again for its own has given the first up: it is not in its own way.
        """
        answers = [await pair.one.ask(row_a()) for _ in range(2)]

        assert [1, 2] == [answer.tries for answer in answers]

    async def test_other_request_of_the_same_key_is_told(self, pair: Pair) -> None:
        """
        The fingerprint is that of the first, so that the second can be told a duplicate.
        """
        await pair.one.ask(row_a())
        theirs = entry_of(1, CARD)
        other = replace(row_a(), entry=replace(theirs, fingerprint=bytes(32)))

        assert UnderWay(theirs.fingerprint) == await pair.two.ask(other)

    async def test_ending_that_is_not_kept_claims_nothing(self, pair: Pair) -> None:
        """
        A repeat of what proved nothing is judged anew, by whichever process.
        """
        ending = ending_of(None, outcome=Outcome.FORMAT_ERROR)
        await pair.one.ask(Commit(entry_of(1, CARD), ending, None, None))

        assert isinstance(await pair.two.ask(row_a()), Reservation)

    async def test_many_at_once_are_begun_once_each(self, pair: Pair) -> None:
        """
        A hundred requests given to both in opposite order: of each there is one row A.
        """
        numbers = list(range(1, 101))
        asked = [
            asyncio.gather(*(process.ask(row_a(number)) for number in order))
            for process, order in ((pair.one, numbers), (pair.two, numbers[::-1]))
        ]
        here, there = await asyncio.gather(*asked)

        kinds = [{type(a), type(b)} for a, b in zip(here, there[::-1], strict=True)]
        assert [{Reservation, UnderWay}] * 100 == kinds


class WorkersOfOneFile(Pair):
    """Two workers and the process that writes for them."""

    one: Worker
    two: Worker

    def __init__(self, served: House, one: Worker, two: Worker) -> None:
        """Take both."""
        self.served, self.one, self.two = served, one, two

    async def kill_one(self) -> None:
        """Cut its connection, as its death does."""
        self.one.journal.stop()
        await House.until(lambda: self.served.server.workers == 1)


class TestWorkersOfOneFile(SharedJournalContract):
    """The contract, kept by the process that writes a file for its workers."""

    @pytest.fixture
    async def pair(self, tmp_path: Path) -> AsyncIterator[Pair]:
        """Serve two workers."""
        async with house(tmp_path) as served:
            yield WorkersOfOneFile(served, await served.worker(), await served.worker())

    async def test_nothing_is_held_at_the_end(self, tmp_path: Path) -> None:
        """
        A question the writer does not take leaves no claim, nor does a worker that is gone.
        """
        async with house(tmp_path) as served:
            worker = await served.worker()
            await worker.ask(row_a())
            claims = served.server._claims
            assert 1 == len(claims)
            served.writer.stop()
            await worker.ask(row_a())

            assert 0 == len(claims)


class Node(Process):
    """A node of a journal on PostgreSQL, asked from a loop."""

    def __init__(self, bench: PostgresJournalBench) -> None:
        """Take a started one."""
        self.bench = bench

    async def ask(self, question: Any) -> Any:
        """Ask in a thread."""
        return await asyncio.wrap_future(self.bench.send(question))


class NodesOfOneDatabase(Pair):
    """Two nodes on one PostgreSQL."""

    def __init__(self, one: PostgresJournalBench, two: PostgresJournalBench) -> None:
        """Take both."""
        self.one, self.two, self._first = Node(one), Node(two), one

    async def kill_one(self) -> None:
        """End its connection, as its death does."""
        await asyncio.to_thread(self._first.writer.stop)
        await asyncio.to_thread(self._first.wait_until_gone)


class TestNodesOfOneDatabase(SharedJournalContract):
    """The contract, kept by PostgreSQL."""

    @pytest.fixture
    async def pair(self, postgres: PostgresServer) -> AsyncIterator[Pair]:
        """Start two nodes."""
        url = postgres.empty()
        with (
            PostgresJournalBench(url) as one,
            PostgresJournalBench(url, "two", one.vault) as two,
        ):
            yield NodesOfOneDatabase(one, two)

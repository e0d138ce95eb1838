"""Requests in doubt of nodes that are gone: ended by others, in their chain; not of the living."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from types import ModuleType

import asyncpg
import pytest

from atm_switch.adapters import journal_doubts, postgres_dead_nodes, postgres_reader
from atm_switch.adapters.postgres_dead_nodes import Left, settle_dead_nodes
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.adapters.postgres_reader import JournalPages
from atm_switch.adapters.postgres_verify import verify_journals
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.domain.outcome import IN_DOUBT
from atm_switch.switch.ports import Commit, FindRepeat, Reserve
from tests.doubles.journal_bench import (
    NOON,
    card_of,
    clock,
    ending_of,
    entry_of,
    fresh_vault,
    key_of,
    since,
)
from tests.doubles.postgres_journal import PostgresJournalBench

OLD = NOON + timedelta(microseconds=1)
"""Every row of the benches is written at noon: older than this."""


@pytest.fixture
def two(url: str) -> Iterator[PostgresJournalBench]:
    """Start the node that goes on living."""
    with PostgresJournalBench(url, "two") as bench:
        yield bench


def gone_with(two: PostgresJournalBench, doubts: int, answered: int = 1) -> PostgresJournalBench:
    """Leave requests of a node in doubt behind some that were answered, and end it."""
    one = PostgresJournalBench(two.url, "one", two.vault)
    with one:
        for number in range(1, answered + doubts + 1):
            reserved = one.reserve(Reserve(entry_of(number, card_of(1)), 99))
            if number <= answered:
                one.ask(Commit(entry_of(number, card_of(1)), ending_of(), reserved.sequence))
    one.wait_until_gone()
    return one


def settle(bench: PostgresJournalBench, before: datetime = OLD) -> list[Left]:
    """End what nodes that are gone left."""
    return settle_dead_nodes(bench.url, bench.vault, clock, os.urandom, before)


def is_sound(bench: PostgresJournalBench) -> bool:
    """Hold every node's chain against its rows."""
    with JournalPages(bench.url) as pages:
        return all(one.is_sound for one in verify_journals(pages, bench.vault).values())


def test_doubts_of_a_node_that_is_gone_are_ended(two: PostgresJournalBench) -> None:
    """In its own chain, once; the tries stay counted, and who asks again is processed anew."""
    gone_with(two, 3)

    first, second = settle(two), settle(two)

    assert [("one", False, {"009": 3})] == [(e.node, e.lives, dict(e.ended)) for e in first]
    assert 0 == sum(sum(one.ended.values()) for one in second)
    with JournalPages(two.url) as pages:
        rows = [told for told in pages.tail(100)[0] if told.row.outcome == IN_DOUBT]
        assert () == pages.in_doubt()
    assert [("one", 3), ("one", 4), ("one", 5)] == [(told.node, told.row.ref) for told in rows]
    assert two.find(FindRepeat(key_of(2), since(1))) is None
    assert 5 == two.reserve(Reserve(entry_of(9, card_of(1)), 99)).tries
    assert is_sound(two)


def test_each_ending_is_an_event(two: PostgresJournalBench) -> None:
    """As one that the node itself would have written."""
    gone_with(two, 2, answered=0)
    settle(two)

    with closing(PostgresSession(two.url, "a test")) as session:
        told = session.rows("SELECT node, ref FROM outbox WHERE source = 'transaction' ORDER BY id")
    assert [("one", 3), ("one", 4)] == told


def test_request_of_a_node_that_lives_is_left_alone(two: PostgresJournalBench) -> None:
    """However old its rows are; its own ending is written afterwards."""
    with PostgresJournalBench(two.url, "one", two.vault) as one:
        reserved = one.reserve(Reserve(entry_of(1), 3))

        found = settle(two)

        assert ("one", True) in [(left.node, left.lives) for left in found]
        assert 0 == sum(sum(left.ended.values()) for left in found)
        assert one.ask(Commit(entry_of(1), ending_of(), reserved.sequence)) is None
    assert is_sound(two)


def test_young_row_stays(two: PostgresJournalBench) -> None:
    """The bound is the time a row was written, and not included."""
    gone_with(two, 1)

    assert 0 == sum(sum(left.ended.values()) for left in settle(two, NOON))
    assert 1 == sum(sum(left.ended.values()) for left in settle(two))


def test_node_that_comes_back_goes_on_behind(two: PostgresJournalBench) -> None:
    """It reads its chain anew, and ends nothing twice."""
    one = gone_with(two, 2)
    settle(two)

    with PostgresJournalBench(two.url, "one", two.vault) as again:
        again.ask(Commit(entry_of(50), ending_of(), None))

    assert one.node == again.node
    assert is_sound(two)
    assert [] == settle(two, NOON)[1:]


def test_two_at_once_end_each_once(
    two: PostgresJournalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page, whoever has the lock; the other sees it held, or nothing left."""
    monkeypatch.setattr(journal_doubts, "ROWS_AT_ONCE", 2)
    gone_with(two, 30, answered=0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: settle(two), range(2)))
    settle(two)

    with JournalPages(two.url) as pages:
        rows = [told.row for told in pages.tail(100)[0]]
    assert list(range(1, 31)) == sorted(row.ref for row in rows if row.ref)
    assert is_sound(two)


def test_other_keys_end_nothing(two: PostgresJournalBench) -> None:
    """Who cannot seal the node's head is refused, and the node is named."""
    gone_with(two, 1)

    with pytest.raises(Refused, match='node "one" was written with other keys'):
        settle_dead_nodes(two.url, fresh_vault(), clock, os.urandom, OLD)
    assert 1 == sum(sum(left.ended.values()) for left in settle(two))


@pytest.mark.parametrize("module", [postgres_dead_nodes, postgres_reader])
def test_server_that_goes_behind_the_connection_is_away(
    two: PostgresJournalBench, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    """Said as whoever asks again goes by: an error of the driver would end the looks for good."""

    def gone(_session: PostgresSession) -> None:
        raise asyncpg.ConnectionDoesNotExistError

    monkeypatch.setattr(module, "require_newest", gone)

    with pytest.raises(JournalUnavailable):
        settle(two) if module is postgres_dead_nodes else JournalPages(two.url)

"""How PostgreSQL goes about the journal's questions while it knows of no row yet."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from atm_switch.adapters import postgres_purge
from atm_switch.adapters.journal_doubts import SettleDoubts
from atm_switch.adapters.outbox_page import DropStatus, MarkTold, PurgeTold
from atm_switch.adapters.postgres_batch import read_heads, write_batch
from atm_switch.adapters.postgres_claims import _HELD, claimed
from atm_switch.adapters.postgres_link import BY_INDEX, PostgresSession
from atm_switch.adapters.postgres_schema import opened
from atm_switch.adapters.postgres_shared import find_answers
from atm_switch.adapters.shared_outbox import SharedOutbox
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.event import Announce, EventKind
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    FindRepeat,
    KeepBusinessDate,
    KeepCommand,
    KeepRecord,
    Reserve,
    TakeNumbers,
)
from tests.doubles.journal_bench import ANSWER_SECONDS_MAX, ending_of, entry_of
from tests.doubles.postgres_journal import PostgresJournalBench

NOW = datetime(2026, 6, 30, 5, tzinfo=UTC)
BANK = AcquirerId("009")
GROWING = ("journal_rows", "answers", "audit_rows", "pin_tries")
"""Not the outbox, a page of which is taken from its start, nor commands, which are forgotten."""
ALL_DAY = (
    Reserve(entry_of(1), 3),
    Commit(entry_of(2), ending_of(), None),
    KeepRecord(AuditRecord("command", "switch", "journal", "sample")),
    KeepBusinessDate(BANK, date(2026, 6, 30)),
    KeepCommand(BANK, "sample", NOW),
    TakeNumbers(),
    Announce(EventKind.STATUS, "009", "ATM00001", {"state": "active"}),
    MarkTold(1),
    PurgeTold(1, 100),
    DropStatus(100),
    SettleDoubts(1),
)
CLAIM = Reserve(entry_of(3), 3, unless_since=NOW, begun_since=NOW)


def test_plans_of_an_empty_journal_do_for_a_full_one(url: str) -> None:
    """
    Planned once, while every table is empty and known to be: each that grows is gone into by
    an index and by what is asked for, never through all of it.  A new journal has a million rows
    before the server looks at its tables again.
    """
    with PostgresJournalBench(url) as bench:
        pass
    bench.wait_until_gone()
    with closing(opened(url, settings=BY_INDEX)) as session:
        session.run("ANALYZE")
        ink = bench.writer._ink
        heads = read_heads(session, bench.node, ink)
        session.rows(_HELD, *[[]] * 5)
        write_batch(session, bench.node, ink, heads, ALL_DAY)
        for node in (bench.node, "another"):  # one begins a request, the other takes it over
            with session.transaction():
                claimed(session, node, [CLAIM], ink.vault)
        repeat = FindRepeat(entry_of(1).key, NOW - timedelta(days=1))
        find_answers(session, [repeat], ink.vault)
        through_all = {
            statement: [node["Node Type"] for node in visits if not is_by_index(node)]
            for statement, visits in visited(session).items()
        }

    for one in ("found.response", "UPDATE answers", "until >=", "AS ending"):
        assert any(one in statement for statement in through_all)
    assert {} == {statement: found for statement, found in through_all.items() if found}


def test_plans_of_an_empty_outbox_do_for_a_full_one(url: str) -> None:
    """Whoever tells the events finds those to be told, and who was heard, by index as well."""
    with PostgresJournalBench(url) as bench:
        with closing(opened(url)) as session:
            session.run("ANALYZE")
        with closing(SharedOutbox(url, "bank-1")) as outbox:
            bench.ask(Commit(entry_of(1), ending_of(), None))
            stretch = outbox.since(0, 10)
            outbox.heard_behind({})
            found = outbox._ask(lambda session: visited(session, (*GROWING, "outbox")))

    assert 1 == len(stretch.events)
    assert 4 <= len(found)
    assert [] == [node for visits in found.values() for node in visits if not is_by_index(node)]


def visited(
    session: PostgresSession, growing: Sequence[str] = GROWING
) -> dict[str, list[dict[str, Any]]]:
    """Return how each statement of a session goes into the tables that grow, if it does."""
    prepared = "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements"
    found = {}
    for name, statement, count in session.rows(prepared):
        nulls = f"({', '.join(['NULL'] * count)})" if count else ""
        ((told,),) = session.rows(f'EXPLAIN (FORMAT JSON) EXECUTE "{name}"{nulls}')
        visits = [node for node in nodes(json.loads(told)[0]["Plan"]) if is_growing(node, growing)]
        if visits:
            found[statement] = visits
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk over a plan."""
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


def is_growing(node: dict[str, Any], growing: Sequence[str]) -> bool:
    """Tell a node that reads one of the tables; one that only writes there reads below it.

    A join that picks its pairs itself reads what is below it again and again.
    """
    if "Join Filter" in node:
        return any(is_growing(below, growing) for below in node["Plans"])
    return str(node.get("Relation Name", "")) in growing and node["Node Type"] != "ModifyTable"


def is_by_index(node: dict[str, Any]) -> bool:
    """Tell a node that reads what it is asked for, or what an index has named.

    A join that picks its pairs itself was given more on both sides than it is asked for.
    """
    if "Join Filter" in node:
        return False
    return "Index Cond" in node or "Recheck Cond" in node or node["Node Type"] == "Tid Scan"


def test_purge_of_a_journal_looked_at_with_one_row_goes_by_index(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As the server then has it each statement is for most of the table, however much there is since:
    neither a plan nor what was read, as the server counts it, goes through all of it.
    """
    with PostgresJournalBench(url) as bench, closing(opened(url)) as session:
        bench.ask(Commit(entry_of(1), ending_of(), None))
        session.run("ANALYZE")
        for number in range(2, 62):
            bench.ask(Commit(entry_of(number), ending_of(), None))
        session.run("UPDATE outbox SET seq = id; UPDATE outbox_mark SET seq = 1000000")
    bench.wait_until_gone()
    sessions = list[PostgresSession]()

    def kept(*asked: Any, **more: Any) -> PostgresSession:
        session = opened(*asked, **more)
        monkeypatch.setattr(session, "close", lambda: None)
        sessions.append(session)
        return session

    with closing(opened(url)) as session:
        before = read_through(session)
    monkeypatch.setattr(postgres_purge, "opened", kept)
    monkeypatch.setattr(postgres_purge, "ROWS_AT_ONCE", 10)
    old = postgres_purge.count_old(url, bench.vault, NOW + timedelta(days=365))
    gone = postgres_purge.purge(url, bench.vault, NOW + timedelta(days=365), lambda *_: None)
    plans = [visited(one, ("journal_rows",)) for one in sessions]
    for one in sessions:
        PostgresSession.close(one)

    assert 60 == old == gone
    for statement in ("FROM journal_rows WHERE", "DELETE FROM untold", "min(ref)", "at >="):
        assert any(statement in found for found in plans[-1]), statement
    visits = [node for found in plans for nodes in found.values() for node in nodes]
    assert [] == [node for node in visits if not is_by_index(node)]
    with closing(opened(url)) as session:
        assert (gone, before[1]) == until_counted(session, gone)


def read_through(session: PostgresSession) -> tuple[int, int]:
    """Return how many rows were deleted from the journal, and read without an index, so far."""
    counted = "SELECT n_tup_del, seq_tup_read FROM pg_stat_user_tables WHERE relname = $1"
    ((deleted, read),) = session.rows(counted, "journal_rows")
    return deleted, read


def until_counted(session: PostgresSession, gone: int) -> tuple[int, int]:
    """Wait until the server has counted what a session did that has ended."""
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while (found := read_through(session))[0] < gone:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found

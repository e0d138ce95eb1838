"""A journal's rows are read the same way wherever it is: pages, the audit, and what cards saw."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from math import inf, isnan
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atm_switch.adapters.audit_verify import NotedHead
from atm_switch.adapters.journal_answers import Span, answers_with_balance
from atm_switch.adapters.journal_place import JournalPlace, open_audit, open_pages
from atm_switch.domain.errors import Refused
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import AuditRecord, Commit, KeepRecord, RepeatKey
from tests.doubles.journal_bench import NOON, JournalBench, ending_of, entry_of, key_of
from tests.doubles.postgres_journal import PostgresJournalBench

if TYPE_CHECKING:
    from tests.doubles.postgres import PostgresServer

Bench = JournalBench | PostgresJournalBench
Kept = tuple[Bench, JournalPlace]
RECORDS = 4


@pytest.fixture(params=["file", "postgresql"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A journal of either kind, its writer up, and where it is."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.empty()
        with PostgresJournalBench(url) as shared:
            yield shared, JournalPlace(tmp_path / "journal.db", url, "one")
        return
    with JournalBench(tmp_path / "journal.db") as bench:
        yield bench, JournalPlace(bench.path)


def record(number: int) -> KeepRecord:
    """A sign-on."""
    return KeepRecord(AuditRecord("sign-on", f"10.0.0.1:{4000 + number}", "acquirer 009"))


def test_pages_are_followed_from_where_they_ended(kept: Kept) -> None:
    """The last rows, then those behind them, then none; the end stays where it was."""
    bench, place = kept
    with open_pages(place) as pages:
        assert ((), ()) == (pages.tail(5)[0], pages.follow({})[0])
        for number in range(1, 6):
            bench.ask(Commit(entry_of(number), ending_of(), None))

        last, ends = pages.tail(2)
        bench.ask(Commit(entry_of(6), ending_of(), None))
        more, after = pages.follow(ends)
        none, still = pages.follow(after)
        shown = pages.show(key_of(3).rrn)

    assert [["000004", "000005"], ["000006"], []] == [
        [told.row.stan for told in some] for some in (last, more, none)
    ]
    assert after == still
    assert ["000003"] == [told.row.stan for told in shown]


def test_pages_say_who_wrote_and_end_at_the_newest_row(kept: Kept) -> None:
    """Every row with its node, a file's with none; whoever follows from there misses nothing."""
    bench, place = kept
    for number in range(1, 4):
        bench.ask(Commit(entry_of(number), ending_of(), None))

    with open_pages(place) as pages:
        last, ends = pages.tail(3)
        first, seen = pages.follow({}, 2)
        rest, whole = pages.follow(seen, 2)
        shown = pages.show(key_of(2).rrn)

    for some, rows in ((last, [1, 2, 3]), (first, [1, 2]), (rest, [3]), (shown, [2])):
        assert [(place.node, row) for row in rows] == [(told.node, told.row.seq) for told in some]
    assert {place.node: 2} == seen
    assert {place.node: 3} == ends == whole


def test_pages_are_counted_and_verified(kept: Kept) -> None:
    """An acquirer's business date by what was answered; and each node's chain."""
    bench, place = kept
    for number in range(1, 4):
        bench.ask(Commit(entry_of(number), ending_of(), None))

    with open_pages(place) as pages:
        counted = pages.reconcile("009", date(2026, 6, 30))
        other = pages.reconcile("009", date(2026, 7, 1))
        (verified,) = pages.verify(bench.vault).values()

    assert "3" in repr(counted)
    assert counted != other
    assert [] == list(verified.findings)


def test_audit_is_followed_and_verified(kept: Kept) -> None:
    """As the pages are; and a head that was noted before is still in it."""
    bench, place = kept
    with open_audit(place) as audit:
        for number in range(RECORDS):
            bench.ask(record(number))
        last, ends = audit.tail(2)
        (before,) = audit.verify(bench.vault, None).values()
        bench.ask(record(RECORDS))
        more, after = audit.since(ends)
        none, still = audit.since(after)
        (verified,) = audit.verify(bench.vault, None).values()

    assert [2, 1, 0] == [len(some) for some in (last, more, none)]
    assert after == still
    assert before.is_sound
    assert verified.is_sound
    assert RECORDS + 1 == verified.rows


def test_audit_says_who_wrote_and_ends_at_the_newest_record(kept: Kept) -> None:
    """As the pages do, also where nothing is written yet."""
    bench, place = kept
    with open_audit(place) as audit:
        begun, none = audit.tail(5)
        for number in range(1, 4):
            bench.ask(record(number))
        followed, _ = audit.since(none)
        last, ends = audit.tail(3)
        first, seen = audit.since({}, 2)
        rest, whole = audit.since(seen, 2)

    assert () == begun
    assert last == followed
    for some, rows in ((last, [1, 2, 3]), (first, [1, 2]), (rest, [3])):
        assert [(place.node, row) for row in rows] == [(told.node, told.row.seq) for told in some]
    assert {place.node: 2} == seen
    assert {place.node: 3} == ends == whole


def test_place_of_a_database_is_read_there_alone(tmp_path: Path) -> None:
    """A file beside it from earlier days is not taken for it where no server answers."""
    with JournalBench(tmp_path / "journal.db") as bench:
        bench.ask(record(1))
    place = JournalPlace(bench.path, f"postgresql://nobody@/nothing?host={tmp_path}", "one")

    for opened in (open_pages, open_audit):
        with pytest.raises(Refused, match="PostgreSQL cannot be reached"):
            opened(place)


def test_head_that_was_never_in_an_audit_is_missed(tmp_path: Path) -> None:
    """What was noted elsewhere is not found in this one."""
    heads = []
    for name in ("one", "two"):
        with JournalBench(tmp_path / f"{name}.db") as bench:
            bench.ask(record(1))
            place = JournalPlace(bench.path)
            with open_audit(place) as audit:
                (verified,) = audit.verify(bench.vault, None).values()
        heads.append((place, bench.vault, verified.head))
    (place, vault, own), (_, _, foreign) = heads

    with open_audit(place) as audit:
        assert [True, False] == [
            audit.verify(vault, NotedHead.of(head))[""].is_sound for head in (own, foreign)
        ]


def test_commands_write_as_a_node_of_their_own(tmp_path: Path) -> None:
    """Beside the switch, on the same journal."""
    place = JournalPlace(tmp_path / "journal.db", "postgresql://db.example/atm", "one")

    beside = place.of_commands()

    assert (place.path, place.url) == (beside.path, beside.url)
    assert place.node != beside.node
    assert beside.node.startswith("one/")


def asked(number: int, *, terminal: str = "ATM00001", acquirer: str = "009", hours: int = 0,
          outcome: Outcome = Outcome.APPROVED) -> Commit:  # fmt: skip
    """An inquiry of a bank's terminal, so long after noon."""
    key: RepeatKey = key_of(number)._replace(terminal=terminal, acquirer=acquirer)
    entry = replace(entry_of(number, received_at=NOON + timedelta(hours=hours)), key=key)
    code = "00" if outcome is Outcome.APPROVED else "55"
    return Commit(entry, ending_of(outcome=outcome, response_code=code), None)


@pytest.mark.parametrize(
    ("span", "stans"),
    [
        (Span(NOON, NOON + timedelta(hours=9)), [1, 3, 4, 5]),
        (Span(NOON + timedelta(hours=1), NOON + timedelta(hours=9)), [5]),
        (Span(NOON, NOON + timedelta(hours=1)), [1, 3, 4]),
        (Span(NOON, NOON + timedelta(hours=9), acquirer="014"), [4]),
        (Span(NOON, NOON + timedelta(hours=9), terminal="ATM00002"), [3]),
        (Span(NOON, NOON + timedelta(hours=9), "014", "ATM00002"), []),
        (Span(NOON - timedelta(hours=1), NOON), []),
    ],
)
def test_only_answers_with_a_balance_in_the_span_are_told(
    tmp_path: Path, span: Span, stans: list[int]
) -> None:
    """Of the bank and terminal that are meant, from the first moment to before the last."""
    with JournalBench(tmp_path / "journal.db") as bench:
        for question in (
            asked(1), asked(2, outcome=Outcome.WRONG_PIN), asked(3, terminal="ATM00002"),
            asked(4, acquirer="014"), asked(5, hours=1),
        ):  # fmt: skip
            assert not isinstance(bench.ask(question), Exception)

    found = answers_with_balance(JournalPlace(bench.path), span)

    assert [f"{stan:06d}" for stan in stans] == [row.stan for row in found]


def test_room_is_that_of_the_files_own_disk(tmp_path: Path) -> None:
    """The bytes the system says are free; of a PostgreSQL unknown here, as of a missing path."""
    path = tmp_path / "journal.db"
    path.touch()
    found = os.statvfs(tmp_path)

    room = JournalPlace(path).free_bytes()

    assert 0 < room <= found.f_blocks * found.f_frsize
    assert inf == JournalPlace(path, "postgresql://db.example/jht").free_bytes()
    assert isnan(JournalPlace(tmp_path / "none" / "journal.db").free_bytes())

"""Two nodes on one PostgreSQL journal: what they must agree on, whatever comes in between."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import pytest

from atm_switch.adapters import postgres_journal
from atm_switch.adapters.journal_doubts import SettleDoubts
from atm_switch.adapters.postgres_link import PostgresSession
from atm_switch.domain.errors import JournalUnavailable, Refused
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    FindRepeat,
    KeepBusinessDate,
    KeepCommand,
    KeepRecord,
    ProveWriting,
    Reserve,
    StoredResponse,
    TakeNumbers,
)
from tests.doubles.journal_bench import NOON, card_of, ending_of, entry_of, key_of, since
from tests.doubles.postgres import server_to_fall
from tests.doubles.postgres_journal import PostgresJournalBench

BANK = AcquirerId("009")


@pytest.fixture
def one(url: str) -> Iterator[PostgresJournalBench]:
    """Start the first node."""
    with PostgresJournalBench(url) as bench:
        yield bench


@pytest.fixture
def two(one: PostgresJournalBench, url: str) -> Iterator[PostgresJournalBench]:
    """Start the second node, with the same keys."""
    with PostgresJournalBench(url, "two", one.vault) as bench:
        yield bench


def test_tries_of_both_nodes_are_counted_together(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """Forty guesses at once over two nodes: three are granted, numbered one to three."""
    card = card_of(1)
    with ThreadPoolExecutor(2) as pool:
        batches = pool.map(
            lambda node: node[1].send_all(
                *(Reserve(entry_of(100 * node[0] + at, card), 3) for at in range(20))
            ),
            enumerate((one, two)),
        )
        answers = [answer for batch in batches for answer in batch]

    assert [1, 2, 3] == sorted(answer.tries for answer in answers if answer.granted)
    assert 37 == sum(not answer.granted for answer in answers)


def test_crossed_batches_do_not_lock_each_other_out(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """Batches over the same cards in opposite order all end, many times over."""
    cards = [card_of(at) for at in range(20)]

    def reserve_all(bench: PostgresJournalBench, order: int) -> list[object]:
        questions = [
            Reserve(entry_of(1000 * turn + at, cards[::order][at]), 1_000_000)
            for turn in range(20)
            for at in range(20)
        ]
        return [one for at in range(0, 400, 20) for one in bench.send_all(*questions[at : at + 20])]

    with ThreadPoolExecutor(2) as pool:
        there = pool.submit(reserve_all, one, 1)
        back = pool.submit(reserve_all, two, -1)
        answers = there.result() + back.result()

    assert [] == [answer for answer in answers if isinstance(answer, JournalUnavailable)]
    assert 40 == one.reserve(Reserve(entry_of(1, cards[7]), 1_000_000)).tries - 1


def test_right_pin_on_one_node_clears_tries_of_the_other(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """Two wrong PINs here, a right one there: the next try is the first."""
    card = card_of(1)
    for at in (1, 2):
        one.reserve(Reserve(entry_of(at, card), 3))
    reserved = two.reserve(Reserve(entry_of(3, card), 3))
    two.ask(Commit(entry_of(3, card), ending_of(resets_tries=True), reserved.sequence))

    assert 3 == reserved.tries
    assert 1 == one.reserve(Reserve(entry_of(4, card), 3)).tries


def test_first_answer_counts_on_every_node(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """A request both answer has the answer of the first, byte for byte; the second has no row."""
    first = one.ask(Commit(entry_of(1), ending_of(b"first"), None, since(1)))
    second = two.ask(Commit(entry_of(1), ending_of(b"second"), None, since(1)))

    stored = StoredResponse(entry_of(1).fingerprint, b"first")
    assert first is None
    assert stored == second
    assert stored == two.find(FindRepeat(key_of(1), since(1)))


def test_first_answer_counts_within_a_batch(one: PostgresJournalBench) -> None:
    """The same request twice in one batch: the second gets what the first says."""
    answers = one.send_all(
        Commit(entry_of(1), ending_of(b"first"), None, since(1)),
        Commit(entry_of(1), ending_of(b"second"), None, since(1)),
    )

    assert [None, StoredResponse(entry_of(1).fingerprint, b"first")] == answers


def test_answer_before_the_window_does_not_count(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """A key that comes again after its window is answered anew, and that is then the answer."""
    one.ask(Commit(entry_of(1, received_at=since(2)), ending_of(b"old"), None, since(3)))

    assert two.ask(Commit(entry_of(1), ending_of(b"new"), None, since(1))) is None
    found = one.find(FindRepeat(key_of(1), since(1)))
    assert found is not None
    assert b"new" == found.payload


def test_many_requests_at_once_on_both_nodes_have_one_answer_each(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """Two hundred requests given to both in opposite order: of each, one answer is stored."""

    def commit_all(bench: PostgresJournalBench, order: int) -> list[object]:
        numbers = list(range(1, 201))[::order]
        return bench.send_all(
            *(
                Commit(
                    entry_of(at), ending_of(b"%s %d" % (bench.node.encode(), at)), None, since(1)
                )
                for at in numbers
            )
        )[::order]

    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(commit_all, one, 1), pool.submit(commit_all, two, -1)
        pairs = list(zip(*(answers.result() for answers in asked), strict=True))

    assert all((here is None) != (there is None) for here, there in pairs)
    for at, given in enumerate(pairs, 1):
        assert one.find(FindRepeat(key_of(at), since(1))) in given


def test_signed_command_counts_once_over_all_nodes(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """The second node that is told the same command hears that it is not the first."""
    command = KeepCommand(BANK, "S1ABC123|0630050000|000001|162", NOON + timedelta(minutes=30))

    assert [True, False, False] == [one.ask(command), two.ask(command), one.ask(command)]


def test_blocks_of_numbers_differ(one: PostgresJournalBench, two: PostgresJournalBench) -> None:
    """No block of host references is given to two nodes."""
    taken = [bench.ask(TakeNumbers()) for bench in (one, two, two, one)]

    assert [0, 1, 2, 3] == sorted(taken)


def test_node_that_is_taken_is_refused(
    one: PostgresJournalBench, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process of the same name would write the same chain, and is turned away."""
    monkeypatch.setattr(postgres_journal, "ENDING_SECONDS", 1)
    second = PostgresJournalBench(url, one.node, one.vault)

    with pytest.raises(Refused, match="give each its own"):
        second.writer.start(lambda _batch: None)


def test_other_keys_are_refused(one: PostgresJournalBench, url: str) -> None:
    """A node comes back with other keys than it wrote with: it does not write on."""
    one.ask(Commit(entry_of(1), ending_of(), None))
    one.writer.stop()

    with pytest.raises(Refused, match="other keys"):
        PostgresJournalBench(url, one.node).writer.start(lambda _batch: None)


def test_server_that_is_not_durable_is_refused(url: str) -> None:
    """Where commits do not wait for the disk the writer does not start, and says why."""
    with closing(PostgresSession(url, "a test")) as session:
        (name,) = session.rows("SELECT current_database()")[0]
        session.run(f'ALTER DATABASE "{name}" SET synchronous_commit = off')

    with pytest.raises(Refused, match="synchronous_commit = off"):
        PostgresJournalBench(url).writer.start(lambda _batch: None)


def test_rows_are_never_changed(one: PostgresJournalBench, url: str) -> None:
    """The schema itself refuses to change, delete or empty what was written."""
    one.ask(Commit(entry_of(1), ending_of(), None))
    one.ask(KeepRecord(AuditRecord("start", "switch", "bank")))

    with closing(PostgresSession(url, "a test")) as session:
        for sql in (
            "UPDATE journal_rows SET outcome = 'approved'",
            "DELETE FROM audit_rows",
            "TRUNCATE journal_rows",
            "DELETE FROM heads",
        ):
            with pytest.raises(Exception, match="never changed nor deleted"):
                session.run(sql)


def test_row_at_fault_does_not_take_its_batch_along(one: PostgresJournalBench) -> None:
    """An A that ended before is refused by the schema; the rows around it are written."""
    reserved = one.reserve(Reserve(entry_of(1), 3))
    one.ask(Commit(entry_of(1), ending_of(), reserved.sequence))

    answers = one.send_all(
        *(
            Commit(entry_of(at), ending_of(), reserved.sequence if at == 5 else None)
            for at in range(2, 10)
        )
    )

    assert [at != 3 for at in range(8)] == [answer is None for answer in answers]


def test_writer_outlives_a_server_that_falls() -> None:
    """Killed and started again, the server is found again; what was answered is there."""
    with server_to_fall() as server, PostgresJournalBench(server.url) as bench:
        reserved = bench.reserve(Reserve(entry_of(1, card_of(1)), 3))
        server.fall()
        away = bench.ask(Reserve(entry_of(2, card_of(1)), 3))
        server.rise()
        answers = [bench.ask(Reserve(entry_of(at, card_of(1)), 99)) for at in range(3, 30)]
        kept = [one for one in answers if not isinstance(one, JournalUnavailable)]

        assert 1 == reserved.tries
        assert isinstance(away, JournalUnavailable)
        assert [2 + at for at in range(len(kept))] == [one.tries for one in kept]
        assert kept


def test_business_date_is_kept(one: PostgresJournalBench, url: str) -> None:
    """A cut-over is in the store for all."""
    one.ask(KeepBusinessDate(BANK, date(2026, 7, 1)))
    one.ask(KeepBusinessDate(BANK, date(2026, 7, 2)))

    with closing(PostgresSession(url, "a test")) as session:
        assert [("009", "2026-07-02")] == session.rows("SELECT * FROM business_dates")


def test_node_ends_no_doubt_of_another(
    one: PostgresJournalBench, two: PostgresJournalBench
) -> None:
    """
    A request under way on another machine is that machine's, whatever a start here ends.
    """
    theirs = two.reserve(Reserve(entry_of(1), 3))
    one.reserve(Reserve(entry_of(2), 3))

    settled = one.ask(SettleDoubts(1_000))

    assert ("009",) == settled.ended
    assert two.ask(Commit(entry_of(1), ending_of(), theirs.sequence)) is None


def test_proof_that_it_can_write_is_on_the_servers_disk(one: PostgresJournalBench) -> None:
    """A commit the server syncs, though no table has anything of it."""
    one.ask(Reserve(entry_of(1), 3))
    flushed, rows = "SELECT pg_current_wal_flush_lsn() - '0/0'", "SELECT count(*) FROM journal_rows"
    with closing(PostgresSession(one.url, "a test")) as session:
        before = session.rows(flushed)[0][0], session.rows(rows)
        assert one.ask(ProveWriting()) is None
        after = session.rows(flushed)[0][0], session.rows(rows)

    assert before[0] < after[0]
    assert before[1] == after[1]

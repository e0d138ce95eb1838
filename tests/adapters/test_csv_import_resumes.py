"""An import that was stopped goes on where it was, and until it ends nobody sees any of it."""

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.ledger import csv_import_lock, csv_staging
from atm_switch.ledger.corrections import Entry, post
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from tests.doubles.ledger_bench import (
    BUDI,
    BUDI_ROW,
    BUDIS_NIK,
    PAN,
    PARTICIPANTS,
    POSTINGS,
    LedgerBench,
)
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2025-01-01,contribution,100.00\n"
ROWS = 1000
PIECE = 4096
"""About a hundred rows."""


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with one member."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants()
    return bench


def stop(bench: LedgerBench, *paths: Path, after: int, skip_bad: Path | None = None) -> int:
    """Begin an import and stop it once so many rows were read; return how many they were."""
    rows = 0

    def interrupt(progress: Progress) -> None:
        nonlocal rows
        rows = progress.rows
        if rows >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.take(*paths, skip_bad=skip_bad, progress=interrupt, piece_bytes=PIECE)
    return rows


def agrees(bench: LedgerBench) -> bool:
    """Tell whether the totals are the sums of the postings."""
    with closing(open_store(bench.url, bench.path)) as store:
        return reconcile(store).count == 0


def test_stopped_import_goes_on_where_it_was(bench: LedgerBench) -> None:
    """
    What was read is not read again, and every row is booked once.
    """
    path = bench.file("q.csv", POSTINGS + PAID * ROWS)
    heard: list[Progress] = []

    read = stop(bench, path, after=ROWS // 2)
    between = bench.counts()
    summary = bench.take(path, progress=heard.append, piece_bytes=PIECE)

    assert (1, 0, 0) == between
    assert {read} == {progress.resumed for progress in heard}
    assert [(ROWS, ROWS)] == [(file.rows, file.added) for file in summary.files]
    assert [(ROWS, ROWS * 10_000)] == bench.rows("SELECT postings, balance_sen FROM participants")
    assert agrees(bench)


def test_stopped_again_and_again_it_ends(bench: LedgerBench) -> None:
    """
    Stopped after every piece, the import ends with participants and postings whole.
    """
    members = "".join(BUDI_ROW.replace("12345678901", f"{20_000_000_000 + n}") for n in range(200))
    participants = bench.file("p.csv", PARTICIPANTS + members)
    postings = bench.file("q.csv", POSTINGS + PAID.replace("12345678901", "20000000199") * 300)

    reached = [stop(bench, participants, postings, after=after) for after in range(0, 500, 60)]
    bench.take(postings, participants, piece_bytes=PIECE)

    assert sorted(reached) == reached
    assert (201, 300, 0) == bench.counts()
    assert agrees(bench)


def test_bad_rows_are_remembered_over_a_stop(bench: LedgerBench) -> None:
    """
    Rows found bad before the stop are named and set aside with those found after it.
    """
    path = bench.file("q.csv", f"{POSTINGS}first\n{PAID * ROWS}last\n")
    rejects = bench.folder / "rejects.csv"

    stop(bench, path, after=ROWS // 2, skip_bad=rejects)
    summary = bench.take(path, skip_bad=rejects, piece_bytes=PIECE)

    assert [2, ROWS + 3] == [row.line for row in summary.bad_rows]
    assert ["first", "last"] == [
        line.partition(",")[0] for line in rejects.read_text().splitlines()[1:]
    ]
    assert (1, ROWS, 0) == bench.counts()


def test_changed_file_starts_over(bench: LedgerBench) -> None:
    """
    Where the file has other contents by then, nothing of the stopped import stays.
    """
    path = bench.file("q.csv", POSTINGS + PAID * ROWS)
    heard: list[Progress] = []

    stop(bench, path, after=ROWS // 2)
    path.write_text(POSTINGS + PAID.replace("100.00", "7.00") * ROWS)
    bench.take(path, progress=heard.append, piece_bytes=PIECE)

    assert 0 == heard[-1].resumed
    assert [(ROWS * 700,)] == bench.rows("SELECT balance_sen FROM participants")


def test_machine_that_fell_starts_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The staging is not synced, so after another start of the machine nothing of it is believed;
    where the machine cannot tell its starts apart it is synced, and believed.
    """
    bench, boot = LedgerBench(tmp_path), tmp_path / "boot_id"
    bench.participants()
    monkeypatch.setattr(csv_staging, "BOOT_ID", boot)
    resumed: list[bool] = []
    for before, after in (("one", "two"), ("two", "two"), ("", "")):
        paid = PAID.replace("100.00", f"{len(resumed) + 1}.00")
        path = bench.file("q.csv", POSTINGS + paid * ROWS)
        heard: list[Progress] = []
        boot.write_text(before)
        read = stop(bench, path, after=ROWS // 2)
        boot.write_text(after)
        bench.take(path, progress=heard.append, piece_bytes=PIECE)
        resumed.append(heard[-1].resumed == read > 0)

    assert [False, True, True] == resumed
    assert agrees(bench)


def test_other_files_start_over(bench: LedgerBench) -> None:
    """
    An import of other files books those alone.
    """
    path = bench.file("q.csv", POSTINGS + PAID * ROWS)

    stop(bench, path, after=ROWS // 2)
    bench.take(bench.file("r.csv", POSTINGS + PAID))

    assert (1, 1, 0) == bench.counts()


def test_two_imports_at_once_are_refused(
    bench: LedgerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While an import reads, another is turned away in words, and the first one ends well.
    """
    path = bench.file("q.csv", POSTINGS + PAID * ROWS)
    other = bench.file("r.csv", POSTINGS + PAID)
    said: list[str] = []
    monkeypatch.setattr(csv_import_lock, "ENDING_SECONDS", 1)

    def once(_: Progress) -> None:
        if not said:
            said.append(bench.refusal(other))

    bench.take(path, progress=once)

    assert ["another import is running; try again when it is done"] == said
    assert (1, ROWS, 0) == bench.counts()


def test_postings_are_booked_while_it_reads(bench: LedgerBench) -> None:
    """
    A single posting goes in amid the reading, and the totals hold both.
    """
    path = bench.file("q.csv", POSTINGS + PAID * ROWS)
    numbers: list[int] = []

    def post_one(progress: Progress) -> None:
        if numbers or not progress.rows:
            return
        paid = Posting(date(2025, 6, 1), PostingKind.CONTRIBUTION, Money(500))
        with closing(open_store(bench.url, bench.path)) as store:
            numbers.append(post(store, Entry(BUDI, paid)))

    bench.take(path, progress=post_one, piece_bytes=PIECE)

    assert [1] == numbers
    assert (1, ROWS + 1, 0) == bench.counts()
    assert agrees(bench)


def test_staging_goes_when_the_import_ends(bench: LedgerBench) -> None:
    """
    Booked or turned down for its bad rows, an import leaves no row behind.
    """
    bench.postings(PAID)
    bench.refusal(bench.file("q.csv", POSTINGS + "bad\n"))

    if bench.url:
        query = "SELECT count(*) FROM pg_namespace WHERE nspname = 'atm_switch_staging'"
        assert [(0,)] == bench.rows(query)
    assert not bench.path.with_name("ledger.db.import").exists()


def test_staging_holds_no_nik_and_no_pan(tmp_path: Path) -> None:
    """
    What a stopped import leaves is for the owner's eyes, without NIK or PAN in the clear.
    """
    bench = LedgerBench(tmp_path)
    path = bench.file("p.csv", f"{PARTICIPANTS}{PAN},{BUDIS_NIK},x\n{BUDI_ROW * 200}")

    stop(bench, path, after=100)

    left = [file for file in tmp_path.iterdir() if ".import" in file.name]
    content = b"".join(file.read_bytes() for file in left)
    assert {0o600} == {file.stat().st_mode & 0o777 for file in left}
    assert b"12345678901" in content
    assert BUDIS_NIK.encode() not in content
    assert PAN.encode() not in content


def test_spoilt_staging_is_begun_anew(tmp_path: Path) -> None:
    """
    A staging file that is no database any more is thrown away, not trusted.
    """
    bench = LedgerBench(tmp_path)
    bench.participants()
    bench.path.with_name("ledger.db.import").write_bytes(b"no database at all " * 100)

    bench.postings(PAID)

    assert (1, 1, 0) == bench.counts()


def test_locked_ledger_keeps_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where another command holds the ledger at the end, the next try reads nothing again.
    """
    bench = LedgerBench(tmp_path)
    bench.participants()
    path = bench.file("q.csv", POSTINGS + PAID * ROWS)
    heard: list[Progress] = []
    monkeypatch.setattr("atm_switch.adapters.schema.BUSY_SECONDS", 0.05)

    with (
        closing(open_store("", bench.path)) as other,
        other.transaction(),
        pytest.raises(Refused, match="another command is writing the ledger"),
    ):
        bench.take(path)
    bench.take(path, progress=heard.append)

    assert ROWS == heard[-1].resumed
    assert (1, ROWS, 0) == bench.counts()

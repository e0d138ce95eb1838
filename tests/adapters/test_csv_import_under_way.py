"""Importing under way: progress, interruption, one at a time, what is refused."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import Kpj
from atm_switch.ledger.csv_import import ImportOptions, import_files
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_passes import Phase, Step
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.doubles.ledger_bench import (
    BUDI,
    BUDI_ROW,
    CARD_ROW,
    CARDS,
    PARTICIPANTS,
    POSTINGS,
    TODAY,
    LedgerBench,
)
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2025-01-01,contribution,285000.00\n"


@pytest.fixture
def bench(tmp_path: Path) -> LedgerBench:
    """Return an empty bench."""
    return LedgerBench(tmp_path)


def test_progress_ends_with_everything_done(bench: LedgerBench) -> None:
    """
    Progress never goes back, and its last word is all rows, all bytes and all passes.
    """
    heard: list[Progress] = []
    bench.participants()
    path = bench.file("p.csv", POSTINGS + PAID * 2500)

    bench.take(path, progress=heard.append)

    size = path.stat().st_size
    passes = heard[-1].passes
    assert Progress(2500, size, size, Phase.BOOKING, 0, len(passes), passes) == heard[-1]
    assert heard == sorted(heard, key=lambda progress: (progress.bytes_done, progress.passes_done))
    assert len(heard) >= 3


@pytest.mark.parametrize("is_skipping", [False, True])
def test_every_phase_tells_each_of_its_passes(
    tmp_path: Path, database: Database, *, is_skipping: bool
) -> None:
    """
    Checking and booking tell of all their passes, one after the other, each over the rows of its
    kind, with bad rows set aside or not, on either database, at the first import and later.
    """
    bench = LedgerBench(tmp_path, url=database.url)
    people = bench.file("people.csv", PARTICIPANTS + BUDI_ROW)
    for day in ("01", "02"):
        heard: list[Progress] = []
        path = bench.file("p.csv", POSTINGS + PAID.replace("01-01", f"01-{day}") * 10)
        skip_bad = tmp_path / "rejects.csv" if is_skipping else None
        bench.take(people, path, skip_bad=skip_bad, progress=heard.append)

        (passes,) = {one.passes for one in heard if one.phase is not Phase.READING}
        told = [one.passes_done for one in heard if one.passes]
        assert list(range(len(passes) + 1)) == told
        phases = [one.phase for one in passes]
        assert phases == sorted(phases, key=list(Phase).index)
        assert min(phases.count(Phase.CHECKING), phases.count(Phase.BOOKING)) > 3
        people_rows = int(day == "01")  # later a repeat
        rows = {one.step: one.rows for one in passes}
        assert (10, 10 + people_rows) == (rows[Step.POSTINGS], rows[Step.COMMIT])
        assert people_rows == rows.get(Step.SET_PARTICIPANTS, 0)


def test_all_is_done_only_once_it_is_committed(bench: LedgerBench) -> None:
    """
    Before the commit one pass is left; the witness, who may undo all, is heard then.
    """
    heard: list[Progress] = []

    def witness(_files: object) -> None:
        assert heard[-1].passes_done == len(heard[-1].passes) - 1
        raise Refused("undone")

    bench.participants()
    path = bench.file("p.csv", POSTINGS + PAID)
    options = ImportOptions(progress=heard.append, witness=witness)
    with closing(SqliteStore(bench.path)) as store, pytest.raises(Refused, match="undone"):
        import_files(store, [path], bench.vault, bench.at, options)

    assert heard[-1].passes_done == len(heard[-1].passes) - 1


def test_rows_all_bad_leave_no_pass_out(bench: LedgerBench, tmp_path: Path) -> None:
    """
    Where nothing is booked after all each pass is told of, and of no more.
    """
    heard: list[Progress] = []
    path = bench.file("p.csv", POSTINGS + PAID * 2)  # of nobody

    bench.take(path, skip_bad=tmp_path / "rejects.csv", progress=heard.append)

    told = [one.passes_done for one in heard if one.passes]
    assert list(range(len(heard[-1].passes) + 1)) == told


def test_repeat_counts_as_done_in_progress(bench: LedgerBench) -> None:
    """
    A file passed over as a repeat still fills its share of the bar.
    """
    heard: list[Progress] = []
    bench.participants()

    path = bench.file("again.csv", PARTICIPANTS + BUDI_ROW)
    bench.take(path, progress=heard.append)

    size = path.stat().st_size
    passes = heard[-1].passes
    assert [0, 0] == [one.rows for one in passes]
    assert Progress(0, size, size, Phase.BOOKING, 0, 2, passes) == heard[-1]


def test_future_posting_waits_for_its_day(bench: LedgerBench) -> None:
    """
    A posting of a later day this year is taken and not yet on the statement.
    """
    bench.participants()
    bench.postings("12345678901,2025-12-31,development,5\n")

    with closing(bench.ledger()) as ledger:
        today, later = ledger.account(BUDI, TODAY), ledger.account(BUDI, date(2025, 12, 31))

    assert today is not None
    assert later is not None
    assert (False, True) == (today[1].has_postings, later[1].has_postings)


def test_one_import_runs_at_a_time(bench: LedgerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While another process writes, an import gives up in words and changes nothing.
    """
    bench.participants()
    path = bench.file("p.csv", POSTINGS + PAID)
    monkeypatch.setattr("atm_switch.adapters.schema.BUSY_SECONDS", 0.05)

    with closing(sqlite3.connect(bench.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = bench.refusal(path)
        other.execute("ROLLBACK")

    assert "another command is writing the ledger; try again when it is done" == text
    assert (1, 0, 0) == bench.counts()


def test_no_files_is_refused(bench: LedgerBench) -> None:
    """
    An import of nothing says what is missing, and changes nothing.
    """
    with pytest.raises(Refused, match="name at least one file"):
        bench.take()

    assert (0, 0, 0) == bench.counts()


def test_cards_go_another_way(bench: LedgerBench) -> None:
    """
    Cards are refused by the import with the command that takes them, and the reverse.
    """
    cards = bench.file("c.csv", CARDS + CARD_ROW)
    postings = bench.file("p.csv", POSTINGS + PAID)

    assert "link them with: atm-switch cards link" in bench.refusal(cards)
    with pytest.raises(Refused, match="import them with: atm-switch ledger import"):
        bench.link(postings)


def test_interrupted_import_changes_nothing(bench: LedgerBench) -> None:
    """
    Ctrl-C in the middle leaves the ledger as it was and no rejects file.
    """

    def interrupt(progress: Progress) -> None:
        if progress.rows:
            raise KeyboardInterrupt

    bench.participants()
    path = bench.file("p.csv", POSTINGS + "bad\n" + PAID * 2000)

    with pytest.raises(KeyboardInterrupt):
        bench.take(path, skip_bad=bench.folder / "rejects.csv", progress=interrupt)

    assert (1, 0, 0) == bench.counts()
    assert not (bench.folder / "rejects.csv").exists()


def test_kpj_of_one_person_are_siblings(bench: LedgerBench) -> None:
    """
    Rows with the same NIK belong together, whatever else differs.
    """
    bench.participants(BUDI_ROW + BUDI_ROW.replace("12345678901", "12345678909"))

    with closing(bench.ledger()) as ledger:
        assert (BUDI, Kpj("12345678909")) == ledger.siblings(BUDI)

"""What an import has judged stays true until it is booked, whoever else writes."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from atm_switch.domain.money import Money
from atm_switch.domain.posting import Posting, PostingKind
from atm_switch.ledger.corrections import Entry, post
from atm_switch.ledger.csv_import import ImportOptions, import_files
from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.csv_passes import Phase
from atm_switch.ledger.csv_summary import ImportedFile
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from tests.doubles.ledger_bench import BUDI, POSTINGS, TODAY, LedgerBench
from tests.doubles.postgres_bench import Database

PAID = "12345678901,2025-01-01,contribution,1000.00\n"
CLAIMED = "12345678901,2025-06-01,claim,1000.00\n"


@pytest.fixture
def bench(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> LedgerBench:
    """Return a bench with one account that holds 1,000.00; nobody waits long for another."""
    monkeypatch.setattr("atm_switch.adapters.schema.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("atm_switch.adapters.postgres_link.LOCK_SECONDS", 1)
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants()
    bench.postings(PAID)
    return bench


@pytest.mark.parametrize("phase", [Phase.CHECKING, Phase.BOOKING])
def test_claim_between_judging_and_booking_waits(bench: LedgerBench, phase: Phase) -> None:
    """
    A file takes all there is; who takes it meanwhile too is sent away, and nothing is below zero.
    """
    told: list[str] = []

    def take_it_first(progress: Progress) -> None:
        if progress.phase is phase and not told:
            claim = Entry(BUDI, Posting(TODAY, PostingKind.CLAIM, Money(-100_000)))
            with closing(open_store(bench.url, bench.path)) as other:
                try:
                    told.append(f"booked as {post(other, claim)}")
                except Refused as refused:
                    told.append(str(refused))

    bench.take(bench.file("claims.csv", POSTINGS + CLAIMED), progress=take_it_first)

    assert ["another command is writing the ledger; try again when it is done"] == told
    assert [(0,)] == bench.rows("SELECT balance_sen FROM participants")
    with closing(open_store(bench.url, bench.path)) as store:
        assert () == reconcile(store).differences


def test_import_nobody_can_witness_is_undone(bench: LedgerBench) -> None:
    """
    Who keeps the audit hears what came of each file before it is durable; where that cannot be
    written nothing is booked, and the same file is taken afterwards.
    """
    heard: list[tuple[str, int, int]] = []

    def refuse(files: Sequence[ImportedFile]) -> None:
        heard.extend((file.name, file.rows, file.added) for file in files)
        raise Refused("the audit cannot be written")

    claims = bench.file("claims.csv", POSTINGS + CLAIMED)
    with (
        closing(open_store(bench.url, bench.path)) as store,
        pytest.raises(Refused, match="audit cannot be written"),
    ):
        import_files(store, [claims], bench.vault, bench.at, ImportOptions(witness=refuse))

    assert [("claims.csv", 1, 1)] == heard
    assert [(100_000,)] == bench.rows("SELECT balance_sen FROM participants")
    bench.take(claims)
    assert [(0,)] == bench.rows("SELECT balance_sen FROM participants")

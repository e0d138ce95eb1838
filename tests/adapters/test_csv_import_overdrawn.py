"""Takings that overdraw an account are named beside bad rows of other accounts."""

from pathlib import Path

import pytest

from tests.doubles.ledger_bench import BUDI_ROW, POSTINGS, SITI_ROW, LedgerBench
from tests.doubles.postgres_bench import Database

BUDI, SITI = "12345678901", "23456789012"
PAID = f"{BUDI},2025-01-01,contribution,100\n"
TAKEN = f"{BUDI},2025-02-01,claim,100.01\n"
SHORT = "column amount (100.01): the account would fall below zero on 2025-02-01"


@pytest.fixture
def bench(tmp_path: Path, database: Database) -> LedgerBench:
    """Return a ledger with two members."""
    bench = LedgerBench(tmp_path, url=database.url)
    bench.participants(BUDI_ROW + SITI_ROW)
    return bench


@pytest.mark.parametrize(
    "bad", ["x\n", f"{SITI},2025-01-01,fee,1\n", "99988877766,2025-01-01,contribution,1\n"]
)
def test_overdrawing_is_named_beside_other_bad_rows(bench: LedgerBench, bad: str) -> None:
    """
    A row that cannot be read, or is for nobody, hides no claim that is too large.
    """
    text = bench.refusal(bench.file("q.csv", POSTINGS + bad + PAID + TAKEN))

    assert text.startswith("2 rows are bad")
    assert f"q.csv line 4, {SHORT}" in text


@pytest.mark.parametrize(
    "bad",
    [
        f"{BUDI},2025-01-02,fee,1\n",
        "1234-5678-901,2025-01-02,contribution,1 000\n",
        f"{BUDI},2999-01-02,contribution,1\n",
    ],
)
def test_account_with_a_bad_row_is_not_called_overdrawn(bench: LedgerBench, bad: str) -> None:
    """
    The bad row, put right, may cover the claim, so that is not called bad.
    """
    text = bench.refusal(bench.file("q.csv", POSTINGS + PAID + bad + TAKEN))

    assert text.startswith("1 row is bad")
    assert "below zero" not in text


def test_set_aside_rows_cover_nothing(bench: LedgerBench, tmp_path: Path) -> None:
    """
    Where bad rows are skipped they are gone, and what only they covered is set aside too.
    """
    path = bench.file("q.csv", POSTINGS + PAID + f"{BUDI},2025-01-02,fee,1\n" + TAKEN)

    summary = bench.take(path, skip_bad=tmp_path / "rejects.csv")

    assert (2, 1) == (summary.rejected, summary.files[0].added)

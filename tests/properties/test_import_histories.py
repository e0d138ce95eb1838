"""However histories are cut into files, and whatever stops an import, the totals are right."""

import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atm_switch.ledger.csv_meter import Progress
from atm_switch.ledger.opening import open_store
from atm_switch.ledger.reconcile import reconcile
from tests.doubles.ledger_bench import BUDI_ROW, POSTINGS, LedgerBench

KPJS = ("12345678901", "12345678902", "12345678903")
MEMBERS = "".join(BUDI_ROW.replace("12345678901", kpj) for kpj in KPJS)
FILES_MAX = 4


@dataclass(frozen=True)
class Paid:
    """A contribution and the file it stands in."""

    file: int
    kpj: str
    day: date
    sen: int

    @property
    def line(self) -> str:
        """The row; a quote now and then sends its piece the careful way."""
        kpj = f'"{self.kpj}"' if self.sen % 5 == 0 else self.kpj
        return f"{kpj},{self.day.isoformat()},contribution,{self.sen // 100}.{self.sen % 100:02d}\n"


histories = st.lists(
    st.builds(
        Paid,
        st.integers(0, FILES_MAX - 1),
        st.sampled_from(KPJS),
        st.dates(date(1990, 1, 1), date(2025, 6, 30)),
        st.integers(1, 10**9),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=25)
@given(histories, st.permutations(range(FILES_MAX)), st.integers(1, 60), st.booleans())
def test_totals_are_the_sum_of_the_postings(
    history: list[Paid],
    order: list[int],
    stop_after: int,
    at_once: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    """
    Files in any order, together or one by one, stopped once on the way: totals are exact, also
    where equal payments stand in several of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        bench = LedgerBench(Path(folder))
        bench.participants(MEMBERS)
        files = written(bench, history, order)

        for paths in [files] if at_once else [[path] for path in files]:
            stop(bench, paths, stop_after)
            bench.take(*paths, piece_bytes=64, again=True)
            again = bench.take(*paths, piece_bytes=64)
            assert all(file.is_repeat for file in again.files)

        balances = {
            kpj: sum(paid.sen for paid in history if paid.kpj == kpj)
            for kpj in {paid.kpj for paid in history}
        }
        assert balances == dict(
            bench.rows("SELECT kpj, balance_sen FROM participants WHERE postings > 0")
        )
        with closing(open_store("", bench.path)) as store:
            assert () == reconcile(store).differences


def written(bench: LedgerBench, history: list[Paid], order: list[int]) -> list[Path]:
    """Write the files in which something stands; each has contents of its own."""
    paths = []
    for number in order:
        lines = [paid.line for paid in history if paid.file == number]
        if lines:
            paths.append(bench.file(f"{number}.csv", POSTINGS + "\n" * number + "".join(lines)))
    return paths


def stop(bench: LedgerBench, paths: list[Path], after: int) -> None:
    """Stop an import once so many rows were read, if it has as many."""

    def interrupt(progress: Progress) -> None:
        if progress.rows >= after:
            raise KeyboardInterrupt

    if sum(path.read_text().count("contribution") for path in paths) >= after:
        with pytest.raises(KeyboardInterrupt):
            bench.take(*paths, progress=interrupt, piece_bytes=64, again=True)

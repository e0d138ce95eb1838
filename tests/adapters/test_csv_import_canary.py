"""Canaries: after an import no file of the ledger holds a PAN or a NIK in any spelling."""

from contextlib import closing
from pathlib import Path

import pytest

from atm_switch.ledger.csv_import import ImportOptions
from tests.doubles.ledger_bench import (
    BUDI_ROW,
    BUDIS_NIK,
    CARD_ROW,
    CARDS,
    OTHER_PAN,
    PAN,
    PARTICIPANTS,
    POSTINGS,
    LedgerBench,
)


def spellings(digits: str) -> set[bytes]:
    """Return a number as text, wide text, hexadecimal of its text, BCD and integers."""
    number = int(digits)
    return {
        digits.encode(),
        digits.encode("utf-16-le"),
        digits.encode("cp500"),
        digits.encode().hex().encode(),
        digits.encode().hex().upper().encode(),
        bytes.fromhex(digits),
        number.to_bytes(8, "big"),
        number.to_bytes(8, "little"),
    }


@pytest.mark.parametrize("is_open", [True, False], ids=["WAL still there", "closed"])
def test_ledger_files_hold_no_pan_and_no_nik(tmp_path: Path, is_open: bool) -> None:  # noqa: FBT001 - a row of the table
    """
    Neither the database nor its WAL holds a PAN or a NIK, though rows were bad and updated.
    """
    bench = LedgerBench(tmp_path / "data")
    bench.folder.mkdir()
    bench.participants()
    reader = bench.ledger()
    if not is_open:
        reader.close()
    outside = LedgerBench(tmp_path)
    participants = outside.file("p.csv", PARTICIPANTS + BUDI_ROW.replace("BUDI", "BUDI B"))
    postings = outside.file("q.csv", f"{POSTINGS}12345678901,2025-01-01,contribution,1\n{PAN}\n")
    cards = outside.file("c.csv", f"{CARDS}{CARD_ROW}{OTHER_PAN},9999,1,,,\n")
    bench.take(participants, postings, skip_bad=tmp_path / "rejects.csv")
    bench.link(cards, ImportOptions(tmp_path / "rejected-cards.csv"))
    (bench.folder / "participants.csv").unlink()

    with closing(reader):
        files = {path.name: path.read_bytes() for path in bench.folder.iterdir()}

    assert (is_open, True) == ("ledger.db-wal" in files, "ledger.db" in files)
    for name, content in files.items():
        for canary in (PAN, OTHER_PAN, BUDIS_NIK):
            found = [spelling for spelling in spellings(canary) if spelling in content]
            assert [] == found, name


def test_known_facts_are_found_by_the_same_search(tmp_path: Path) -> None:
    """
    The search finds what is there: the KPJ is in the file, so the canaries would be too.
    """
    bench = LedgerBench(tmp_path)
    bench.participants()

    content = bench.path.read_bytes()

    assert b"12345678901" in content

"""A closing computed anew from the command line, as a user types."""

import sqlite3
from contextlib import closing
from pathlib import Path

from atm_switch.adapters.clock import read_clock
from tests.doubles.ledger_bench import BUDI_ROW, PARTICIPANTS, POSTINGS
from tests.end_to_end.command_line import CommandLine


def test_closing_is_computed_anew_where_asked_for(tmp_path: Path) -> None:
    """
    Honest books pass; a rate the closing did not go by is seen by --recompute alone.
    """
    command, year = CommandLine(tmp_path), read_clock().jakarta_date().year - 1
    people, paid = tmp_path / "people.csv", tmp_path / "paid.csv"
    people.write_text(PARTICIPANTS + BUDI_ROW)
    paid.write_text(f"{POSTINGS}12345678901,{year}-01-05,contribution,1000000\n")
    for words in (("init", "bank"), ("ledger", "import", "bank", str(people), str(paid))):
        assert 0 == command(*words).returncode
    assert 0 == command("ledger", "close-year", "bank", str(year), "--assumed").returncode
    honest = command("ledger", "reconcile", "bank", "--recompute")
    with closing(sqlite3.connect(tmp_path / "bank" / "ledger.db")) as connection:
        connection.execute("UPDATE closed_years SET rate_millipercent = rate_millipercent + 500")
        connection.commit()

    summed = command("ledger", "reconcile", "bank")
    forged = command("ledger", "reconcile", "bank", "--recompute")

    assert (0, 0, 1) == (honest.returncode, summed.returncode, forged.returncode)
    assert f"closing's development of {year}, *******8901: expected development" in forged.stdout

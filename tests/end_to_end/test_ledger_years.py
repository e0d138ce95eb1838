"""A year closed from the command line, and what the audit keeps of it."""

from pathlib import Path

from atm_switch.adapters.clock import read_clock
from tests.doubles.ledger_bench import BUDIS_NIK, PARTICIPANTS
from tests.end_to_end.command_line import CommandLine


def test_audit_keeps_the_terms_a_year_was_closed_by(tmp_path: Path) -> None:
    """
    Closed again after the rate changed, nothing is booked, and no closing at the new rate
    is in the audit: the record names the rate the year was closed by, and one account as one.
    """
    command, year = CommandLine(tmp_path), read_clock().jakarta_date().year - 1
    assert 0 == command("init", "bank", "--sample").returncode
    settings = tmp_path / "bank" / "switch.toml"
    rates = tmp_path / "bank" / "rates.csv"
    settings.write_text(settings.read_text() + f'\n[ledger]\nrates = "{rates.name}"\n')

    told = []
    for rate in ("5.75", "7.00"):
        rates.write_text(f"year,rate_percent,status,source\n{year},{rate},published,a letter\n")
        told.append(command("ledger", "close-year", "bank", str(year)))

    assert [0, 0] == [one.returncode for one in told], told
    assert f"{year} is closed: development of 1 account, Rp" in told[0].stdout
    assert f"{year} was closed before, monthly at 5.75 %" in told[1].stdout
    records = [
        line
        for line in command("audit", "tail", "bank").stdout.splitlines()
        if "ledger close-year" in line
    ]
    assert 3 == len(records)
    assert f"begun: {year} monthly at 5.75 %" in records[0]
    assert f"closed: {year} monthly at 5.75 %" in records[1]
    assert f"was closed before: {year} monthly at 5.75 %" in records[2]


def test_audit_tells_no_beginning_of_a_closing_that_was_refused(tmp_path: Path) -> None:
    """
    A year that is not over, and one with nothing to close, leave no record of being begun.
    """
    command, year = CommandLine(tmp_path), read_clock().jakarta_date().year
    assert 0 == command("init", "bank").returncode

    told = [
        command("ledger", "close-year", "bank", str(one), "--assumed") for one in (year, year - 1)
    ]

    assert [1, 1] == [one.returncode for one in told], told
    assert "is not over yet" in told[0].stderr
    assert "there is nothing to close" in told[1].stderr
    assert "ledger close-year" not in command("audit", "tail", "bank").stdout


def test_statement_names_the_rate_a_year_was_closed_by(tmp_path: Path) -> None:
    """
    Not the one the table says today: on its last day, and for estimates within it.
    """
    command, year = CommandLine(tmp_path), read_clock().jakarta_date().year - 1
    assert 0 == command("init", "bank").returncode
    member = f"12345678901,{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
    (tmp_path / "members.csv").write_text(PARTICIPANTS + member)
    assert 0 == command("ledger", "import", "bank", "members.csv").returncode
    paid = ("--kind", "contribution", "--amount", "1000000", "--on", f"{year}-01-05")
    assert 0 == command("ledger", "post", "bank", "12345678901", *paid).returncode
    settings = tmp_path / "bank" / "switch.toml"
    rates = tmp_path / "bank" / "rates.csv"
    settings.write_text(settings.read_text() + f'\n[ledger]\nrates = "{rates.name}"\n')
    rates.write_text(f"year,rate_percent,status,source\n{year},5.00,published,a letter\n")
    assert 0 == command("ledger", "close-year", "bank", str(year)).returncode
    rates.write_text(f"year,rate_percent,status,source\n{year},6.25,published,a letter\n")

    def shown(day: str) -> str:
        return command("ledger", "show", "bank", "12345678901", "--plain", "--as-of", day).stdout

    assert "development, booked at 5.00 %        Rp            50.000,00" in shown(f"{year}-12-31")
    assert "development, estimate at 5.00 %      Rp            25.000,00" in shown(f"{year}-06-30")
    assert "estimate at 6.25 %" in shown(f"{year + 1}-01-31")

"""The command line at work: members, cards, journal, banks, dialects."""

import json
import re
from pathlib import Path

import pytest

from tests.end_to_end.command_line import CommandLine

PAN = "9990090000000012"


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    """Give a way to run one command in an empty folder of its own."""
    return CommandLine(tmp_path)


@pytest.fixture
def bank(run: CommandLine, tmp_path: Path) -> Path:
    """Give a fresh data folder called ``bank``."""
    assert 0 == run("init", "bank").returncode
    return tmp_path / "bank"


def test_member_is_imported_and_shown(run: CommandLine, bank: Path, tmp_path: Path) -> None:
    """Two CSV files make a statement that adds up, with name and KPJ masked."""
    (tmp_path / "p.csv").write_text(
        "kpj,nik,name,birth_date,segment,status\n"
        "12345678901,3171010101900001,BUDI SANTOSO,1990-01-01,PU,A\n"
    )
    (tmp_path / "m.csv").write_text(
        "kpj,posted_on,kind,amount\n"
        "12345678901,2024-12-31,contribution,1000000.00\n"
        "12345678901,2024-12-31,development,0.00\n"
        "12345678901,2025-01-31,contribution,285000.50\n"
    )

    imported = run("ledger", "import", str(bank), "p.csv", "m.csv")
    words = ("ledger", "show", "bank", "12345678901", "--as-of", "2025-06-30")
    plain, document = run(*words), json.loads(run(*words, "--json").stdout)

    assert 0 == imported.returncode, imported.stderr
    assert "m.csv: 3 row(s): 3 added" in imported.stdout
    assert ("1000000.00", "285000.50") == (document["opening"], document["contributions"])
    assert "BU** SAN****" in plain.stdout
    assert "1.000.000,00" in plain.stdout
    assert "12345678901" not in plain.stdout + json.dumps(document)


def test_sample_member_is_shown(run: CommandLine, tmp_path: Path) -> None:
    """A folder with the sample shows the published opening balance at once."""
    made = run("init", "lab", "--sample")

    shown = run("ledger", "show", str(tmp_path / "lab"), "12345678901")

    assert 0 == made.returncode, made.stderr
    assert "19.409.470,47" in shown.stdout
    assert "cards.txt" in made.stdout


def test_bad_row_stops_the_whole_import(run: CommandLine, bank: Path, tmp_path: Path) -> None:
    """A bad row is named by file, line and column; nothing is imported, exit code 1."""
    (tmp_path / "p.csv").write_text(
        "kpj,nik,name,birth_date,segment,status\n"
        "12345678901,3171010101900001,BUDI SANTOSO,1990-01-01,PU,A\n"
        "12345678902,3171010101900002,SITI AMINAH,1990-02-30,PU,A\n"
    )

    done = run("ledger", "import", "bank", "p.csv")

    assert 1 == done.returncode
    assert "p.csv line 3, column birth_date" in done.stderr
    assert 1 == run("ledger", "show", str(bank), "12345678901").returncode


def test_unknown_member_is_one_sentence(run: CommandLine, bank: Path) -> None:
    """A KPJ the ledger does not know exits 1 and is not repeated."""
    done = run("ledger", "show", str(bank), "12345678901")

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "12345678901" not in done.stderr


def test_ledger_that_is_away_is_said_with_its_reason(run: CommandLine, bank: Path) -> None:
    """Of a PostgreSQL that does not listen: why, and which setting says where it is."""
    pytest.importorskip("asyncpg")
    with (bank / "switch.toml").open("a") as settings:
        settings.write('\n[ledger]\nurl = "postgresql://atm@127.0.0.1:1/jht"\n')

    done = run("ledger", "show", "bank", "12345678901")

    assert 1 == done.returncode
    assert "not connected: ConnectionRefusedError; see [ledger] url in switch.toml" in done.stderr


def test_pvv_reads_pairs_from_a_pipe(run: CommandLine, bank: Path) -> None:
    """Each PAN and PIN gives one pair of PVV and index, and is itself not shown."""
    done = run("cards", "pvv", str(bank), stdin=f"{PAN}\n123456\n{PAN}\n654321\n")

    assert 0 == done.returncode, done.stderr
    assert 2 == len(done.stdout.splitlines())
    assert re.fullmatch(r"([0-9]{4},1\n){2}", done.stdout)


@pytest.mark.parametrize("stdin", [f"{PAN}\n12x\n", "9990090000000011\n123456\n", f"{PAN}\n"])
def test_wrong_pair_is_refused_unquoted(stdin: str, run: CommandLine, bank: Path) -> None:
    """A wrong PAN or PIN is refused without being repeated."""
    done = run("cards", "pvv", str(bank), stdin=stdin)

    assert (1, "") == (done.returncode, done.stdout)
    assert not re.search(r"[0-9]{6,}|12x", done.stderr)


def test_pvv_of_nothing_is_wrong_usage(run: CommandLine, bank: Path) -> None:
    """Without a line it says what it wants; a blank one ends no list of pairs."""
    nothing = run("cards", "pvv", str(bank))
    pairs = run("cards", "pvv", str(bank), stdin=f"{PAN}\n123456\n\n{PAN}\n\n654321\n")

    assert (2, "") == (nothing.returncode, nothing.stdout)
    assert "standard input is empty: a line PAN, a line PIN, and so on" in nothing.stderr
    assert (0, 2) == (pairs.returncode, len(pairs.stdout.splitlines()))


def test_pvv_is_for_the_lab_only(run: CommandLine, bank: Path) -> None:
    """In production no PIN is ever put into this program."""
    done = run("cards", "pvv", str(bank), stdin=f"{PAN}\n123456\n", ATM_MODE="production")

    assert (78, "") == (done.returncode, done.stdout)


def test_unblock_names_the_card_masked(run: CommandLine, bank: Path) -> None:
    """Unblocking a card nobody tried says so, with the PAN masked."""
    done = run("cards", "unblock", str(bank), stdin=f"{PAN}\n")

    assert (0, "999009******0012: no PIN tries were used\n") == (done.returncode, done.stdout)


def test_empty_journal_is_sound(run: CommandLine, bank: Path) -> None:
    """A fresh journal verifies, tails to its heading and has no such row."""
    assert 0 == run("journal", "verify", "bank").returncode
    assert 1 == len(run("journal", "tail", str(bank)).stdout.splitlines())
    assert 1 == run("journal", "show", "bank", "260101000001").returncode


def test_report_of_an_empty_day_is_csv(run: CommandLine, bank: Path) -> None:
    """The reconciliation file has its heading and the count in doubt, whatever the day."""
    done = run("journal", "report", str(bank), "--date", "2026-01-31", "--acquirer", "009", "--csv")

    expected = [
        "business_date,acquirer,outcome,response_code,count",
        "2026-01-31,009,in_doubt,,0",
    ]
    assert expected == done.stdout.splitlines()


def test_report_is_of_the_only_bank_unless_one_is_named(run: CommandLine, bank: Path) -> None:
    """Where there are several they are named, and the command is wrong usage."""
    words = ("journal", "report", str(bank), "--date", "2026-01-31")

    alone = run(*words)
    assert 0 == run("acquirer", "add", "bank", "014", "--name", "BANK LAIN").returncode
    of_two = run(*words)

    assert "acquirer 009, business date 2026-01-31" == alone.stdout.splitlines()[0]
    assert (2, "") == (of_two.returncode, of_two.stdout)
    assert "name the bank with --acquirer: 009, 014" in of_two.stderr


def test_report_of_a_bank_there_is_not_is_refused(run: CommandLine, bank: Path) -> None:
    """9 is not 009, and a count of nothing would look like a day without traffic."""
    done = run("journal", "report", str(bank), "--date", "2026-01-31", "--acquirer", "9", "--csv")

    assert (1, "") == (done.returncode, done.stdout)
    assert "no bank 9 is in the settings" in done.stderr
    assert done.stderr.endswith("there are 009\n")


def test_added_bank_shows_its_check_value_only(run: CommandLine, bank: Path) -> None:
    """A bank is added with a key of which nothing but the check value is printed."""
    done = run("acquirer", "add", "bank", "014", "--name", "BANK LAIN")

    key = json.loads((bank / "terminal-kit-014.json").read_text())["pin_key"]
    assert 0 == done.returncode, done.stderr
    assert re.search(r"check value [0-9A-F]{6}$", done.stdout, re.MULTILINE)
    assert key not in done.stdout
    assert 0 == run("config", "check", "bank").returncode


def test_profiles_are_listed_and_documented(run: CommandLine) -> None:
    """The dialects that ship are named, and the sheet of one is Markdown."""
    listed, sheet = run("profile", "list"), run("profile", "doc", "bpjstk-jht-v1")

    assert any(line.startswith("bpjstk-jht-v1 ") for line in listed.stdout.splitlines())
    assert sheet.stdout.startswith("# ")
    assert 1 == run("profile", "doc", "no-such").returncode

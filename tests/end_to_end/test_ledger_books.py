"""The books from the command line: post, take back, merge, close and prove, as a user types."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from atm_switch.adapters.clock import read_clock
from atm_switch.ledger.booking import book, open_waiting
from atm_switch.ledger.store_sqlite import SqliteStore
from tests.end_to_end.command_line import PROGRAM, CommandLine, environment

BUDI = "12345678901"
SITI, SITIS_SECOND = "23456789020", "23456789012"
MANY, KILLS_MAX = 20_000, 5
"""Accounts of a closing that is killed, four chunks; on a busy machine it may be over by then."""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    """Lend a folder ``bank`` with the sample members."""
    line = CommandLine(tmp_path)
    assert 0 == line("init", "bank", "--sample").returncode
    return line


def closing_of(command: CommandLine, day: str) -> str:
    """Return Budi's balance on a day."""
    shown = command("ledger", "show", "bank", BUDI, "--json", "--as-of", day)
    return str(json.loads(shown.stdout)["closing"])


def test_posting_and_reversal_leave_the_balance(command: CommandLine) -> None:
    """
    A posting moves the balance, its reversal moves it back, and both are in the audit.
    """
    today = read_clock().jakarta_date().isoformat()
    before = closing_of(command, today)

    entry = ("--kind", "contribution", "--amount", "1000.50", "--on", today)
    posted = command("ledger", "post", "bank", BUDI, *entry)
    between = closing_of(command, today)
    number = posted.stdout.split()[1].rstrip(":")
    words = ("ledger", "reverse", "bank", BUDI, number, "--reason", "entered twice")
    taken_back, again = command(*words), command(*words)

    assert (0, 0, 1) == (posted.returncode, taken_back.returncode, again.returncode)
    assert before != between
    assert before == closing_of(command, today)
    assert "taken back before" in again.stderr
    audit = command("audit", "tail", "bank").stdout
    assert f"posting {number} by {int(number) + 1}: entered twice" in audit


def test_contribution_of_an_account_claimed_out_is_booked_with_a_word(
    command: CommandLine,
) -> None:
    """
    It may be a late one; the person is told, and a claim of it needs no word.
    """
    words = ("ledger", "post", "bank", BUDI, "--amount", "10", "--kind")
    before = command(*words, "contribution")
    sample = command.folder / "bank" / "sample" / "participants.csv"
    own = next(line for line in sample.read_text().splitlines() if line.startswith(BUDI))
    gone = own.rpartition(",")[0] + ",K"
    (command.folder / "gone.csv").write_text(f"kpj,nik,name,birth_date,segment,status\n{gone}\n")
    assert 0 == command("ledger", "import", "bank", "gone.csv").returncode

    paid, claimed = command(*words, "contribution"), command(*words, "claim")

    assert ("", 0) == (before.stderr, paid.returncode)
    assert "warning: *******8901 is claimed out" in paid.stderr
    assert "warning" not in claimed.stderr


def test_refusals_show_no_member_number(command: CommandLine) -> None:
    """
    What cannot be booked is refused in one sentence without the KPJ, a reason with one too.
    """
    unknown = command("ledger", "post", "bank", "11122233344", "--kind", "claim", "--amount", "1")
    reason = command("ledger", "reverse", "bank", BUDI, "1", "--reason", f"of {BUDI}")
    future = command(
        "ledger", "post", "bank", BUDI, "--kind", "claim", "--amount", "1", "--on", "2999-01-01"
    )

    assert (1, 2, 1) == (unknown.returncode, reason.returncode, future.returncode)
    assert "knows no such KPJ" in unknown.stderr
    assert "today's date or an earlier one" in future.stderr
    for told in (unknown.stderr, reason.stderr):
        assert "11122233344" not in told
        assert BUDI not in told


def test_postings_of_nobody_and_of_an_empty_year_are_told(command: CommandLine) -> None:
    """
    An unknown KPJ is refused; a year without postings says which years have some.
    """
    unknown = command("ledger", "postings", "bank", "11122233344")
    empty = command("ledger", "postings", "bank", BUDI, "--year", "1990")

    assert (1, 0) == (unknown.returncode, empty.returncode)
    assert "knows no such KPJ" in unknown.stderr
    assert "*******8901 has no postings of 1990; there are some of " in empty.stderr
    assert "" == empty.stdout


def test_posting_names_its_sub_account(command: CommandLine) -> None:
    """
    A posting of the additional account is listed as one, counts in the balance and is proved.
    """
    today = read_clock().jakarta_date().isoformat()
    words = ("--kind", "contribution", "--amount", "5", "--sub-account", "additional")

    posted = command("ledger", "post", "bank", BUDI, *words, "--on", today)
    listed = command("ledger", "postings", "bank", BUDI, "--year", today[:4]).stdout

    assert 0 == posted.returncode, posted.stderr
    assert [True] == [
        line.endswith("additional account") for line in listed.splitlines() if " 5,00" in line
    ]
    assert 0 == command("ledger", "reconcile", "bank").returncode


def test_statement_says_what_the_additional_account_holds(command: CommandLine) -> None:
    """
    As of the day, under the closing balance it is part of, in the JSON, and on the page; where
    there is none, only the JSON says so.
    """
    year = read_clock().jakarta_date().year
    first, eve = f"{year}-01-01", f"{year - 1}-12-31"
    words = ("--kind", "contribution", "--sub-account", "additional", "--on", first, "--amount")
    shown = ("ledger", "show", "bank", BUDI, "--as-of")

    assert 0 == command("ledger", "post", "bank", BUDI, *words, "5").returncode
    before, after = command(*shown, eve), command(*shown, first)
    assert 0 == command("ledger", "post", "bank", BUDI, *words, "2.50").returncode
    document = json.loads(command(*shown, first, "--json").stdout)
    command(*shown, first, "--svg", "page.svg")

    assert "additional" not in before.stdout
    lines = after.stdout.splitlines()
    assert "closing balance" in lines[7]
    assert ["of", "it", "in", "the", "additional", "account", "Rp", "5,00"] == lines[8].split()
    assert "7.50" == document["additional_account"]
    page = (command.folder / "page.svg").read_text()
    assert "di antaranya di rekening tambahan" in page
    assert ">7,50<" in page


def test_closing_tells_of_accounts_left_without_development(command: CommandLine) -> None:
    """
    Closing a year names, masked, who held money in a year others were developed in and got
    nothing; it goes on all the same.
    """
    year = read_clock().jakarta_date().year
    person = "3523418097870002,RINI,1987-09-18,PU,A\n"
    (command.folder / "participants.csv").write_text(
        "kpj,nik,name,birth_date,segment,status\n55566677788," + person
    )
    (command.folder / "postings.csv").write_text(
        f"kpj,posted_on,kind,amount\n55566677788,{year - 3}-12-31,adjustment,1000000\n"
    )
    taken = command("ledger", "import", "bank", "participants.csv", "postings.csv")
    assert 0 == taken.returncode, taken.stderr

    closed = command("ledger", "close-year", "bank", str(year - 1), "--assumed")

    assert 0 == closed.returncode, closed.stderr
    assert (
        f"warning: KPJ *******7788 held money in {year - 2}, when others were given development,"
        f" and got none; import it dated {year - 2}-12-31"
    ) in closed.stderr
    assert f"held money in {year - 1}" not in closed.stderr


def test_merger_keeps_only_the_first(command: CommandLine) -> None:
    """
    Siti's accounts merge into her oldest; into a younger one they do not.
    """
    wrong = command("ledger", "amalgamate", "bank", SITIS_SECOND, SITI)
    right = command("ledger", "amalgamate", "bank", SITI, SITIS_SECOND)

    assert (1, 0) == (wrong.returncode, right.returncode)
    assert "the first one is kept" in wrong.stderr
    gone = command("ledger", "show", "bank", SITIS_SECOND)
    assert "*******9012 was merged into *******9020; show that one" in gone.stderr
    assert 0 == command("ledger", "reconcile", "bank").returncode


def test_assumed_rate_needs_a_word(command: CommandLine) -> None:
    """
    A year whose rate is only assumed is closed with --assumed and not without, nor the
    running one at all.
    """
    year = read_clock().jakarta_date().year

    refused = command("ledger", "close-year", "bank", str(year - 1))
    closed = command("ledger", "close-year", "bank", str(year - 1), "--assumed")
    running = command("ledger", "close-year", "bank", str(year), "--assumed")

    assert (1, 0, 1) == (refused.returncode, closed.returncode, running.returncode)
    assert "go on with --assumed" in refused.stderr
    assert "is not over yet" in running.stderr


def test_tampering_makes_reconcile_fail(command: CommandLine) -> None:
    """
    A total edited behind the program's back is exit code 1, in words and as JSON.
    """
    with closing(sqlite3.connect(command.folder / "bank" / "ledger.db")) as connection:
        connection.execute(
            "UPDATE participants SET balance_sen = balance_sen + 1 WHERE kpj = ?", (BUDI,)
        )
        connection.commit()

    told, document = (
        command("ledger", "reconcile", "bank"),
        command("ledger", "reconcile", "bank", "--json"),
    )

    assert (1, 1) == (told.returncode, document.returncode)
    assert "running total, *******8901: expected balance" in told.stdout
    assert 1 == json.loads(document.stdout)["difference_count"]


def test_killed_closing_ends_like_any_other(command: CommandLine) -> None:
    """
    Killed after its first chunk, the closing goes on; the books are those of one that was
    never killed.
    """
    year = read_clock().jakarta_date().year - 1
    fill(command.folder / "bank" / "ledger.db", year)
    shutil.copytree(command.folder / "bank", command.folder / "calm")
    words = ("ledger", "close-year", "bank", str(year), "--assumed")

    assert any(is_killed_amid(command.folder, words) for _ in range(KILLS_MAX))
    broken = command("ledger", "reconcile", "bank")
    finished = command(*words)
    calm = command("ledger", "close-year", "calm", str(year), "--assumed")

    assert (0, 0, 0) == (broken.returncode, finished.returncode, calm.returncode)
    assert calm.stdout == finished.stdout
    # One of the sample was paid all its development in advance, and gets 0.00.
    assert f"{MANY + 1:,} accounts" in finished.stdout
    assert books(command.folder / "calm") == books(command.folder / "bank")
    assert "was closed before" in command(*words).stdout


def fill(path: Path, year: int) -> None:
    """Put many accounts with one contribution each into the ledger."""
    numbers = [f"5{number:010d}" for number in range(MANY)]
    columns = ("kpj", "person", "nik_sealed", "name", "birth_date", "segment", "status")
    people = [(kpj, kpj, b"sealed", "JOKO", "1990-01-01", "PU", "A") for kpj in numbers]
    paid_on = date(year, 1, 1).isoformat()
    waiting = [
        (at, kpj, paid_on, "contribution", "main", 100_000) for at, kpj in enumerate(numbers)
    ]
    with closing(SqliteStore(path)) as store, store.transaction():
        store.load("participants", columns, people)
        open_waiting(store)
        store.load(
            "waiting", ("seq", "kpj", "posted_on", "kind", "sub_account", "amount_sen"), waiting
        )
        book(store)


def is_killed_amid(folder: Path, words: tuple[str, ...]) -> bool:
    """Run a closing and kill it once it says that something is done; tell whether not all was."""
    shutil.rmtree(folder / "bank")
    shutil.copytree(folder / "calm", folder / "bank")
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "%," in line and not line.startswith("0 %"):
                process.kill()
                break
        assert process.wait() in (-9, 0)
    with closing(sqlite3.connect(folder / "bank" / "ledger.db")) as connection:
        ended = "SELECT 1 FROM closed_years WHERE next_kpj IS NULL"
        return connection.execute(ended).fetchone() is None


def books(folder: Path) -> tuple[list[object], ...]:
    """Read what a closing writes but its time of day."""
    queries = (
        "SELECT * FROM postings ORDER BY seq",
        "SELECT * FROM year_totals ORDER BY kpj, year",
        "SELECT * FROM participants ORDER BY kpj",
        "SELECT year, next_kpj, accounts, development_sen FROM closed_years",
    )
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return tuple(connection.execute(query).fetchall() for query in queries)

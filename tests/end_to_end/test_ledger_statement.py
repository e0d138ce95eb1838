"""``ledger show`` and ``ledger sample`` as a user types them: terminal, pipe, JSON, pages."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from atm_switch.adapters.clock import read_clock
from atm_switch.cli.ledger_statement import bars
from atm_switch.domain.money import ZERO, Money
from atm_switch.ledger.year_table import YearRow
from tests.doubles.ledger_bench import BUDIS_NIK, PARTICIPANTS, POSTINGS
from tests.end_to_end.command_line import PROGRAM, CommandLine, environment

BUDI, HENDRA = "12345678901", "78901234567"
UNTIL = ("--until", "2025-06-30")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lend a folder with ``bank`` in it, which has the sample members."""
    path = tmp_path_factory.mktemp("statement")
    assert 0 == CommandLine(path)("init", "bank", "--sample").returncode
    return path


@pytest.fixture
def command(folder: Path) -> CommandLine:
    """Lend the command line in that folder."""
    return CommandLine(folder)


def on_terminal(folder: Path, columns: int, *words: str) -> list[str]:
    """Run a command on a terminal so wide; return what it shows, without colours."""
    ours, theirs = pty.openpty()
    variables = {**environment(), "COLUMNS": str(columns), "TERM": "xterm", "LANG": "C.UTF-8"}
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65_536):
                shown += chunk
        except OSError:
            pass  # the terminal is gone with its last user
        assert 0 == process.wait(90)
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()


def test_json_has_every_year(command: CommandLine) -> None:
    """
    The years of the JSON chain from zero to the closing balance.
    """
    document = json.loads(command("ledger", "show", "bank", BUDI, "--json").stdout)

    years = document["years"]
    assert document["closing"] == years[-1]["closing"]
    assert ["0.00", *(year["closing"] for year in years[:-1])] == [y["opening"] for y in years]
    assert [False] * 5 + [True] == [year["development_is_estimate"] for year in years]
    assert "19409470.47" == years[-2]["closing"]


def test_new_year_takes_nothing_away(command: CommandLine) -> None:
    """
    On 1 January, the old year not closed yet, the balance is that of the day before, and says so.
    """
    year = read_clock().jakarta_date().year
    shown = ("ledger", "show", "bank", BUDI, "--as-of")

    eve = json.loads(command(*shown, f"{year}-12-31", "--json").stdout)
    morrow = json.loads(command(*shown, f"{year + 1}-01-01", "--json").stdout)
    lines = command(*shown, f"{year + 1}-01-01").stdout

    assert (False, True) == (eve["opening_is_estimate"], morrow["opening_is_estimate"])
    assert eve["closing"] == morrow["opening"] == morrow["years"][-2]["closing"]
    assert morrow["years"][-2]["development_is_estimate"]
    assert f"{year}, not closed yet, estimated" in lines
    assert f"{year - 1} closed with" in lines


def test_json_tells_what_contributions_hold_of_an_estimate(tmp_path: Path) -> None:
    """
    What a merged KPJ earned last year is among this year's contributions before that is closed:
    estimated, which the sum and the adjustments of its year say; afterwards it is booked.
    """
    command, year = CommandLine(tmp_path), read_clock().jakarta_date().year
    assert 0 == command("init", "bank").returncode
    who = f"{BUDIS_NIK},BUDI SANTOSO,1985-03-12,PU,A\n"
    (tmp_path / "members.csv").write_text(PARTICIPANTS + f"{BUDI},{who}{HENDRA},{who}")
    paid = f"{year - 1}-01-05,contribution,1000000\n"
    (tmp_path / "paid.csv").write_text(POSTINGS + f"{BUDI},{paid}{HENDRA},{paid}")
    assert 0 == command("ledger", "import", "bank", "members.csv", "paid.csv").returncode
    assert 0 == command("ledger", "amalgamate", "bank", BUDI, HENDRA).returncode
    show = ("ledger", "show", "bank", BUDI, "--json")

    before = json.loads(command(*show).stdout)
    assert 0 == command("ledger", "close-year", "bank", str(year - 1), "--assumed").returncode
    after = json.loads(command(*show).stdout)

    assert (True, False) == tuple(one["contributions_hold_estimate"] for one in (before, after))
    held = [[row["adjustments_hold_estimate"] for row in one["years"]] for one in (before, after)]
    assert [[False, True], [False, False]] == held
    assert before["contributions"] == after["contributions"]


def test_pipe_keeps_its_lines(command: CommandLine) -> None:
    """
    In a pipe the first eight lines are those of the first release.
    """
    lines = command("ledger", "show", "bank", BUDI, "--as-of", "2026-06-30").stdout.splitlines()

    assert "KPJ *******8901  BU** SAN****" == lines[0]
    assert "segment PU, status A" == lines[1]
    assert lines[2].startswith("as of 2026-06-30, last contribution ")
    assert re.fullmatch(r"  closing balance {22}Rp +[0-9.]+,[0-9]{2}", lines[7])


@pytest.mark.parametrize("columns", [36, 60, 80, 120])
def test_terminal_shows_table_and_chart(folder: Path, columns: int) -> None:
    """
    On a terminal of any width no line is too long, every year has a row and a bar, and
    the balance is whole.
    """
    lines = on_terminal(folder, columns, "ledger", "show", "bank", HENDRA)

    text = "\n".join(lines)
    assert columns >= max(map(len, lines))
    assert 8 == len(re.findall(r"(?m)^20[0-9]{2} .*█", text))
    assert 16 == len(re.findall(r"(?m)^20[0-9]{2}\*? .*,[0-9]{2}", text))
    assert "closing balance" in text
    assert "HENDRA" not in text


def test_plain_is_the_same_on_a_terminal(folder: Path, command: CommandLine) -> None:
    """
    With --plain a terminal shows what a pipe gets.
    """
    words = ("ledger", "show", "bank", BUDI, "--plain", "--as-of", "2026-06-30")

    shown = on_terminal(folder, 80, *words)

    assert command(*words).stdout.splitlines() == shown


@pytest.mark.parametrize("day", ["1899-12-31", "2099-01-01"])
def test_day_far_off_is_wrong_usage(command: CommandLine, day: str) -> None:
    """
    A statement of a day before all records, or of years nobody can know, is refused.
    """
    refused = command("ledger", "show", "bank", BUDI, "--as-of", day)

    assert 2 == refused.returncode
    assert "a statement is of a day from 1900-01-01 to 2" in refused.stderr
    assert "" == refused.stdout


def test_pages_are_written_as_named(command: CommandLine) -> None:
    """
    SVG and PDF are written beside the lines, in the language asked for.
    """
    words = ("--svg", "s.svg", "--pdf", "s.pdf", "--language", "en")

    done = command("ledger", "show", "bank", BUDI, *words)

    assert 0 == done.returncode, done.stderr
    assert "JHT BALANCE" in (command.folder / "s.svg").read_text()
    assert b"%PDF-" == (command.folder / "s.pdf").read_bytes()[:5]
    assert "closing balance" in done.stdout


def test_page_that_cannot_be_written(command: CommandLine) -> None:
    """
    A folder that is not there is one sentence and exit code 1.
    """
    done = command("ledger", "show", "bank", BUDI, "--svg", "nowhere/s.svg")

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "s.svg cannot be written" in done.stderr


@pytest.mark.parametrize("width", [10, 30, 80])
def test_bars_grow_with_the_balance(width: int) -> None:
    """
    Bars are in proportion, none for zero or less, in letters where blocks cannot be had.
    """
    ends = [Money(-100), ZERO, Money(5_000), Money(10_000)]
    years = [YearRow(2020 + at, end, ZERO, ZERO, ZERO, ZERO) for at, end in enumerate(ends)]

    drawn, plain = bars(years, width), bars(years, width, is_unicode=False)

    lengths = [line.count("#") for line in plain]
    assert lengths[:2] == [0, 0]
    assert lengths[3] // 2 == lengths[2]
    assert all(len(line) <= max(width, 11) for line in (*drawn, *plain))
    assert all(line.isascii() for line in plain)


def test_sample_is_imported_and_shown(command: CommandLine) -> None:
    """
    A sampled nation is imported whole and reconciled, and its member can be shown.
    """
    made = command("ledger", "sample", "nation", "--members", "200", "--cards", *UNTIL)
    files = [f"nation/{name}.csv" for name in ("participants", "postings")]
    taken = command("ledger", "import", "bank", *files)
    linked = command("cards", "link", "bank", "nation/cards.csv")

    assert 0 == made.returncode, made.stderr
    assert "200 members, " in made.stdout
    assert (0, 0) == (taken.returncode, linked.returncode), taken.stderr + linked.stderr
    assert "participants.csv: 200 row(s): 200 added" in taken.stdout
    assert 0 == command("ledger", "reconcile", "bank").returncode


def test_sample_refuses_what_is_there(command: CommandLine) -> None:
    """
    Files that are there already are refused in one sentence and left as they were.
    """
    (command.folder / "mine").mkdir(exist_ok=True)
    (command.folder / "mine" / "cards.csv").write_text("mine")

    done = command("ledger", "sample", "mine", "--members", "5", "--cards", *UNTIL)

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "mine" == (command.folder / "mine" / "cards.csv").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("--members", "0"),
        ("--members", "40000001"),
        ("--members", "5", "--until", "2999-01-01"),
        (),
    ],
)
def test_sample_of_impossible_size(words: tuple[str, ...], command: CommandLine) -> None:
    """
    No member, more than the numbers are enough for, or days no import takes, is wrong usage.
    """
    done = command("ledger", "sample", "other", *words)

    assert 2 == done.returncode
    assert not (command.folder / "other").exists()


def test_interrupted_sample_leaves_nothing(command: CommandLine) -> None:
    """
    Ctrl-C in the midst of a large sample exits 130 and leaves no file, whole or half, nor folder.
    """
    words = ("ledger", "sample", "large", "--members", "60000", *UNTIL)
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=command.folder, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("10 %")
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()

    assert 130 == process.returncode
    assert "interrupted; no file was written" in told
    assert not (command.folder / "large").exists()

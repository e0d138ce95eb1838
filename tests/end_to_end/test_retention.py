"""What the data protection law asks of an operator, at the command line."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.doubles.served import make_folder, run, serve
from tests.end_to_end.command_line import CommandLine

APPROVED = ("9990090000000012", "123456")
"""PAN and PIN of the first sample card."""
WIB = timedelta(hours=7)


def inquire(folder: Path, address: str, pin: str) -> None:
    """Ask once, whatever the answer."""
    run(
        "inquire", "--connect", address, "--kit", folder / "terminal-kit.json",
        "--pan", APPROVED[0], "--pin", pin, "--json", module="terminal_emulator",
    )  # fmt: skip


def span_around_now() -> tuple[str, str]:
    """Give the days around this one, as --from and --until take them."""
    today = (datetime.now(UTC) + WIB).date()
    return str(today - timedelta(days=1)), str(today + timedelta(days=2))


def test_those_whose_balance_was_shown_are_listed(tmp_path: Path) -> None:
    """KPJ, name, count and terminal of who got a balance; a wrong PIN shows none."""
    folder, out = make_folder(tmp_path), tmp_path / "list.csv"
    since, until = span_around_now()
    with serve(folder) as served:
        for pin in (APPROVED[1], "000000", APPROVED[1]):
            inquire(folder, served.address, pin)
        done = run("journal", "affected", folder, "--from", since, "--until", until, "--out", out)
    kit = json.loads((folder / "terminal-kit.json").read_text())

    (line,) = csv.DictReader(out.read_text().splitlines())
    assert 0 == done.returncode, done.stderr
    assert ("12345678901", "2") == (line["kpj"], line["answers"])
    assert ("999009******0012", "009") == (line["card"], line["acquirers"])
    assert line["terminals"] in str(kit)
    assert line["name"]
    assert 0o600 == out.stat().st_mode & 0o777
    assert "journal affected" in run("audit", "tail", folder).stdout


def test_nobody_outside_the_span_is_listed(tmp_path: Path) -> None:
    """Another day, another bank, another terminal: a heading and no line."""
    folder = make_folder(tmp_path)
    since, until = span_around_now()
    with serve(folder) as served:
        inquire(folder, served.address, APPROVED[1])
    others = (
        ("--from", "2020-01-01", "--until", "2020-01-02"),
        ("--from", since, "--until", until, "--acquirer", "002"),
        ("--from", since, "--until", until, "--terminal", "NOSUCH01"),
    )

    for number, words in enumerate(others):
        out = tmp_path / f"{number}.csv"
        done = run("journal", "affected", folder, *words, "--out", out)
        assert 0 == done.returncode, done.stderr
        assert 1 == len(out.read_text().splitlines())


def test_spans_and_files_that_cannot_be_are_refused(tmp_path: Path) -> None:
    """An end before its beginning is wrong usage; a file that is there is left alone."""
    folder = make_folder(tmp_path)
    (tmp_path / "there.csv").write_text("mine")
    words = ("journal", "affected", folder, "--from", "2026-01-02")

    backwards = run(*words, "--until", "2026-01-01", "--out", tmp_path / "new.csv")
    there = run(*words, "--until", "2026-01-03", "--out", tmp_path / "there.csv")

    assert (2, 1) == (backwards.returncode, there.returncode)
    assert "name a new file" in there.stderr
    assert "mine" == (tmp_path / "there.csv").read_text()


def test_purge_keeps_what_it_must(tmp_path: Path) -> None:
    """Without days from settings or command it says how to give them; a day is too few."""
    folder = make_folder(tmp_path)
    with serve(folder) as served:
        inquire(folder, served.address, APPROVED[1])

    unset = run("journal", "purge", folder, "--yes")
    few = run("journal", "purge", folder, "--keep-days", "1", "--yes")
    fresh = run("journal", "purge", folder, "--keep-days", "2", "--yes")

    assert (1, 2, 0) == (unset.returncode, few.returncode, fresh.returncode)
    assert "keep_days" in unset.stderr
    assert "1 is not in the range 2<=x<=36500" in few.stderr
    assert "nothing to purge" in fresh.stdout
    assert "sound: 2 row(s)" in run("journal", "verify", folder).stdout


def test_day_that_the_settings_say_is_too_few(tmp_path: Path) -> None:
    """It is refused as one that the command is given."""
    folder = make_folder(tmp_path)
    with (folder / "switch.toml").open("a") as settings:
        settings.write("\n[journal]\nkeep_days = 1\n")

    done = run("journal", "purge", folder, "--yes")

    assert 1 == done.returncode
    assert "at least 2 days stay" in done.stderr


def test_unlinked_card_can_be_forgotten(tmp_path: Path) -> None:
    """A linked card is not; once unlinked its record goes, and nobody linked it."""
    folder, bank = make_folder(tmp_path), CommandLine(tmp_path)
    name = folder.name

    linked = bank("cards", "forget", name, stdin=f"{APPROVED[0]}\n")
    unlinked = bank("cards", "unlink", name, stdin=f"{APPROVED[0]}\n")
    forgotten = bank("cards", "forget", name, stdin=f"{APPROVED[0]}\n")
    shown = bank("cards", "show", name, stdin=f"{APPROVED[0]}\n")

    assert (1, 0, 0, 1) == tuple(one.returncode for one in (linked, unlinked, forgotten, shown)), (
        forgotten.stderr
    )
    assert "unlink it first" in linked.stderr
    assert "no such card" in shown.stderr

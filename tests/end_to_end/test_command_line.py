"""The command line as a user types it: help, wrong inputs, settings, exit codes."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.command_line import PROGRAM, SECONDS_MAX, CommandLine, environment

AFFECTED = (
    "journal", "affected", "bank", "--from", "2026-01-30", "--until", "2026-01-31", "--out", "f",
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    """Give a way to run one command in an empty folder of its own."""
    return CommandLine(tmp_path)


@pytest.fixture
def bank(run: CommandLine, tmp_path: Path) -> Path:
    """Give a fresh data folder called ``bank``."""
    assert 0 == run("init", "bank").returncode
    return tmp_path / "bank"


def test_help_lists_every_command(run: CommandLine) -> None:
    """The help names all commands, in the order of use, and exits 0."""
    done = run("--help")

    names = re.findall(r"^  ([a-z]+)  +[A-Z]", done.stdout, re.MULTILINE)
    expected = [
        "demo", "init", "serve", "status", "sessions", "drain", "trace", "ledger", "cards",
        "journal", "audit", "events", "keys", "acquirer", "config", "profile",
        "backup", "restore", "migrate", "completion",
    ]  # fmt: skip
    assert (0, expected) == (done.returncode, names)


def test_help_imports_nothing_heavy() -> None:
    """Help is fast because none of what the work needs is imported for it."""
    heavy = ("pydantic", "rich", "cryptography", "sqlite3", "structlog", "asyncio")
    code = (
        "import sys; from atm_switch.cli import main; main(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ("init",), ("serve",), ("demo",), ("ledger", "import"), ("ledger", "show"),
        ("cards", "link"), ("cards", "pvv"), ("cards", "unblock"), ("journal", "tail"),
        ("journal", "show"), ("journal", "verify"), ("journal", "report"),
        ("acquirer", "add"), ("config", "check"), ("config", "show"), ("config", "example"),
        ("profile", "list"), ("profile", "doc"),
    ],
)  # fmt: skip
def test_every_command_shows_examples(words: tuple[str, ...], run: CommandLine) -> None:
    """Each command's help ends in examples that begin with the program's name."""
    done = run(*words, "--help")

    assert 0 == done.returncode
    assert f"atm-switch {' '.join(words)}" in done.stdout.partition("Examples:")[2]


def test_version_names_what_it_runs_on(run: CommandLine) -> None:
    """A bug report can say program, interpreter, SQLite, event loop and codec from one line."""
    done = run("--version")

    assert 0 == done.returncode
    assert re.fullmatch(
        r"atm-switch \S+.*, CPython \S+, SQLite \S+, (uvloop|asyncio), (pure|compiled) codec\n",
        done.stdout,
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("srve", "bank"), "Did you mean 'serve'?"),
        (("config", "chek", "bank"), "Did you mean 'check'?"),
        (("init", "bank", "--lisen", "127.0.0.1:0"), "'--listen'"),
        (("init", "bank", "--listen", "127.0.0.1:70000"), "the port is above 65535"),
        (("init", "bank", "--pin", "isuer"), "'issuer'"),
        (("init",), "DIR"),
        (("ledger", "show", "bank", "123"), "a KPJ has eleven digits"),
        (("journal", "tail", "bank", "-n", "abc"), "'abc' is no whole number."),
        (("journal", "report", "bank", "--date", "9"), "'9' is no date as in 'YYYY-MM-DD'."),
        (("events", "tail", "bank", "--acquirer", "ü"), "an acquirer id has one to eleven"),
        (("trace", "bank", "123"), "a retrieval reference number (DE37) has twelve"),
        (("journal", "show", "bank", os.fsdecode(b"\xff")), "number (DE37) has twelve"),
        ((*AFFECTED, "--terminal", "S1"), "a terminal id has eight printable characters"),
        ((*AFFECTED, "--acquirer", "BNI"), "an acquirer id has one to eleven digits"),
    ],
)
def test_wrong_usage_exits_two_with_advice(
    words: tuple[str, ...], hint: str, run: CommandLine
) -> None:
    """A typing mistake costs one line and says what was probably meant."""
    done = run(*words)

    assert 2 == done.returncode
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "missing", "example"),
    [
        (("status",), "argument 'DIR'", "status bank"),
        (
            ("journal", "report"),
            "argument 'DIR', option '--date'",
            "journal report bank --date 2026-01-31 --acquirer 009",
        ),
        (
            ("keys", "export", "bank"),
            "option '--usage', option '--acquirer'",
            "keys export bank --acquirer 009 --usage mac",
        ),
        (
            ("cards", "consent", "bank"),
            "option '--given' / '--withdrawn', option '--evidence'",
            'cards consent bank --given --evidence "form 2026/118"',
        ),
        (("cards", "rotate-key"), "argument 'DIR'", "cards rotate-key bank"),
    ],
)
def test_all_that_is_missing_is_told_at_once(
    words: tuple[str, ...], missing: str, example: str, run: CommandLine
) -> None:
    """With an example that can be typed: nobody is asked for one thing after the other."""
    done = run(*words)

    told = f"Error: Missing {missing}. For example: atm-switch {example}\n"
    assert (2, told) == (done.returncode, done.stderr[done.stderr.index("Error:") :])


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "nowhere"),
        ("config", "show", "nowhere"),
        ("ledger", "show", "nowhere", "12345678901"),
        ("ledger", "import", "nowhere", "participants.csv"),
        ("cards", "pvv", "nowhere"),
        ("journal", "tail", "nowhere"),
        ("journal", "verify", "nowhere"),
        ("acquirer", "add", "nowhere", "014", "--name", "X"),
    ],
)
def test_missing_folder_names_the_remedy(words: tuple[str, ...], run: CommandLine) -> None:
    """Every command says in one sentence that the folder is missing and how to make it."""
    done = run(*words)

    assert 1 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "atm-switch init" in done.stderr


def test_full_folder_is_refused(run: CommandLine, bank: Path) -> None:
    """Making a folder twice is refused in one sentence; the first stays whole."""
    before = (bank / "keys.sealed").read_bytes()

    done = run("init", "bank")

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert before == (bank / "keys.sealed").read_bytes()


def test_folder_whose_name_is_no_text_is_refused(run: CommandLine, tmp_path: Path) -> None:
    """Settings and kit name files beside them: a name they cannot hold makes no folder."""
    done = run("init", os.fsdecode(b"b\xe4nk"))

    assert 2 == done.returncode
    assert "no text in UTF-8: give the folder another name" in done.stderr
    assert not list(tmp_path.iterdir())


def test_config_check_names_all_at_once(run: CommandLine, bank: Path) -> None:
    """Several mistakes are several lines, each with line, key, value and remedy."""
    text = (bank / "switch.toml").read_text()
    wrong = text.replace('mode = "lab"', 'mode = "labb"').replace(":8583", ":99999")
    (bank / "switch.toml").write_text(wrong + "[limits]\nin_flight_maks = 3\n")

    done = run("config", "check", "bank")

    lines = done.stderr.splitlines()
    assert (78, 3) == (done.returncode, len(lines))
    assert all(re.match(r"switch\.toml:[0-9]+: \S", line) for line in lines)
    assert "did you mean lab?" in lines[0]
    assert "the port is above 65535" in lines[1]
    assert "did you mean in_flight_max?" in lines[2]


def test_wrong_settings_stop_every_command(run: CommandLine, bank: Path) -> None:
    """Settings that cannot be used exit 78, also where another command meets them."""
    (bank / "switch.toml").write_text("mode = \n")

    codes = {run(*words, "bank").returncode for words in (("serve",), ("journal", "tail"))}

    assert {78} == codes


def test_unknown_profile_is_a_wrong_setting(run: CommandLine, bank: Path) -> None:
    """A dialect that does not ship is named together with those that do."""
    text = (bank / "switch.toml").read_text()
    (bank / "switch.toml").write_text(text.replace("bpjstk-jht-v1", "bpjstk-jht-v9"))

    done = run("config", "check", "bank")

    assert 78 == done.returncode
    assert "bpjstk-jht-v1" in done.stderr


def test_profile_file_that_is_away_is_no_unknown_name(run: CommandLine, bank: Path) -> None:
    """Where it was looked for is told: a path in the settings counts from the folder."""
    settings = bank / "switch.toml"
    settings.write_text(settings.read_text().replace("bpjstk-jht-v1", "dialects/bank-x.toml"))

    done = run("config", "check", "bank")

    assert 78 == done.returncode
    place = "bank/dialects/bank-x.toml"
    assert f"{place} cannot be read: No such file or directory\n" in done.stderr
    assert "Errno" not in done.stderr
    assert "ships" not in done.stderr


def test_settings_check_and_show(run: CommandLine, bank: Path) -> None:
    """A fresh folder is right, and each value says where it comes from."""
    assert 0 == run("config", "check", "bank").returncode
    assert 0 == run("config", "check", str(bank / "switch.toml")).returncode

    shown = run("config", "show", "bank", ATM_LOG__LEVEL="debug").stdout

    assert re.search(r'^log\.level +"debug" +environment$', shown, re.MULTILINE)
    assert re.search(r'^mode +"lab" +switch\.toml$', shown, re.MULTILINE)
    assert re.search(r"^limits\.in_flight_max +1024 +default$", shown, re.MULTILINE)


def test_example_is_a_right_file(run: CommandLine, tmp_path: Path) -> None:
    """What config example prints passes config check."""
    (tmp_path / "example.toml").write_text(run("config", "example").stdout)

    assert 0 == run("config", "check", "example.toml").returncode


def test_interrupt_leaves_with_130(bank: Path) -> None:
    """Ctrl-C while following the journal exits 130 without a traceback."""
    following = subprocess.Popen(
        [*PROGRAM, "journal", "tail", str(bank), "--follow"],
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    assert following.stdout.readline().startswith("received")

    following.send_signal(signal.SIGINT)
    _, complaint = following.communicate(timeout=SECONDS_MAX)

    expected = (130, "atm-switch: interrupted, nothing was changed")
    assert expected == (following.returncode, complaint.strip())


def test_output_has_no_colours(run: CommandLine) -> None:
    """With NO_COLOR set, and into a pipe at all, nothing but text is written."""
    done = run("srve", NO_COLOR="1")

    assert "\x1b" not in done.stdout + done.stderr


def test_no_command_shows_the_help_once(run: CommandLine) -> None:
    """A bare call is usage, told once and without the word error."""
    done = run()

    assert 2 == done.returncode
    assert 1 == done.stderr.count("Usage:")
    assert "Error" not in done.stderr

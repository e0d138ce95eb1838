"""Both programs with their standard streams closed, full, or with files nobody may read."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.command_line import PROGRAM as SWITCH
from tests.end_to_end.command_line import SECONDS_MAX, CommandLine, environment
from tests.unit.terminal_emulator.emulator import PROGRAM as EMULATOR
from tests.unit.terminal_emulator.emulator import run

LISTS_PROFILES = (*SWITCH, "profile", "list")
WRITES_AN_EXAMPLE = (*EMULATOR, "scenario", "example")
NAME_TOO_LONG = 300 * "x"


def _with(redirection: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


@pytest.mark.parametrize("words", [LISTS_PROFILES, WRITES_AN_EXAMPLE])
@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_closed_stream_stops_no_command(stream: str, words: tuple[str, ...]) -> None:
    """A command whose standard input, output or error is closed runs to its end."""
    done = _with(stream, *words)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    "words",
    [
        (*SWITCH, "cards", "show", "bank"),
        (*SWITCH, "keys", "import", "bank", "--acquirer", "009", "--usage", "pin"),
        (*EMULATOR, "explain", "-"),
        (*EMULATOR, "slip", "-"),
        (*EMULATOR, "atm", "--plain"),
    ],
)
def test_closed_input_is_an_empty_one(words: tuple[str, ...], tmp_path: Path) -> None:
    """What a command is to be told by standard input is missing then: no traceback."""
    assert 0 == CommandLine(tmp_path)("init", "bank").returncode
    at = f"cd '{tmp_path}' && exec "

    done = subprocess.run(
        ["/bin/sh", "-c", at + '"$@" <&-', "sh", *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    assert 0 != done.returncode
    assert "Traceback" not in done.stderr


def test_input_that_is_no_text_is_a_wrong_value(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 where a card number is asked for: one sentence, no traceback."""
    assert 0 == CommandLine(tmp_path)("init", "bank").returncode
    (tmp_path / "typed").write_bytes(b"\xff\n")
    strict = ("env", "PYTHONIOENCODING=utf-8:strict")

    done = _with(f"< '{tmp_path}/typed'", *strict, *SWITCH, "cards", "show", str(tmp_path / "bank"))

    assert (1, "atm-switch: a PAN has 16 to 19 digits\n") == (done.returncode, done.stderr)


def test_no_line_for_what_is_asked_is_wrong_usage(tmp_path: Path) -> None:
    """It is said what was to come, not that a card number of nothing is too short."""
    run_switch = CommandLine(tmp_path)
    assert 0 == run_switch("init", "bank").returncode

    done = run_switch("cards", "block", "bank")

    assert 2 == done.returncode
    assert done.stderr.endswith("Error: standard input has no line for the card number\n")


def test_file_opened_later_is_no_standard_stream(tmp_path: Path) -> None:
    """What is printed to a closed stream does not go into the next file that is opened."""
    code = (
        "import os; from atm_switch.command_groups import fill_closed_streams; "
        f"fill_closed_streams(); file = open({str(tmp_path / 'rows')!r}, 'w'); "
        "os.write(1, b'printed'); os._exit(0 if file.fileno() > 2 else 1)"
    )

    done = _with("<&- >&-", sys.executable, "-c", code)

    assert (0, "") == (done.returncode, (tmp_path / "rows").read_text())


@pytest.mark.parametrize("words", [LISTS_PROFILES, WRITES_AN_EXAMPLE])
def test_full_output_is_one_sentence(words: tuple[str, ...]) -> None:
    """Where what is printed has no room the program says so and exits 1."""
    done = _with("> /dev/full", *words)

    assert (1, f"{words[2].replace('_', '-')}: No space left on device\n") == (
        done.returncode,
        done.stderr,
    )


@pytest.mark.parametrize("kind", ["journal", "audit", "events"])
def test_follower_ends_with_its_reader(kind: str, tmp_path: Path) -> None:
    """Behind ``| head`` nothing may come for hours: who prints looks whether anybody reads yet."""
    assert 0 == CommandLine(tmp_path)("init", "bank", "--sample").returncode
    with subprocess.Popen(
        [*SWITCH, kind, "tail", str(tmp_path / "bank"), "--follow"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert following.stderr is not None
        try:
            first = following.stdout.readline()
            following.stdout.close()
            code = following.wait(SECONDS_MAX)
        finally:
            following.kill()

        assert (1, "", False) == (code, following.stderr.read(), not first)


def test_file_that_cannot_be_looked_at_is_one_sentence() -> None:
    """A name no file can have is refused by the emulator in one sentence."""
    done = run("scenario", "run", NAME_TOO_LONG, "--connect", "127.0.0.1:9")

    assert (1, f"terminal-emulator: {NAME_TOO_LONG}: File name too long\n") == (
        done.returncode,
        done.stderr,
    )

"""A key that is there is cut off only when somebody says so; what may not become one, never."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from atm_switch.domain.secret import Key
from atm_switch.folder import open_folder
from atm_switch.security.tdes import with_odd_parity
from tests.doubles.served import SECONDS, make_folder, run

LINE = ("--acquirer", "009")
FIRST, SECOND, THIRD = (
    with_odd_parity(Key(bytes(range(at, at + 24)))).reveal() for at in (0, 100, 200)
)
KEY_TYPED = f"{FIRST[:16].hex()}\n{SECOND[:16].hex()}\n"
GENERATE = ("generate", *LINE, "--usage", "mac")
CEREMONY = ("ceremony", *LINE)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Make a folder whose bank requires MACs, so that it has each key."""
    return make_folder(tmp_path, "--mac", "required")


def checks(folder: Path) -> dict[str, str]:
    """Read the check value of each key in use, by name."""
    return {str(name): one.in_use.check for name, one in open_folder(folder).vault().keys.items()}


def at_terminal(typed: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command whose standard input is a terminal, with ``typed`` waiting in it."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        return subprocess.run(
            [sys.executable, "-m", "atm_switch", *map(str, arguments)],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    finally:
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize("more", [(), ("--yes",)])
@pytest.mark.parametrize("command", [GENERATE, CEREMONY])
def test_script_replaces_nothing_unasked(
    bank: Path, command: tuple[str, ...], more: tuple[str, ...]
) -> None:
    """Without a terminal a key that is there stays, ``--yes`` or not, and it says why."""
    before = checks(bank)
    verb, *options = command

    done = run("keys", verb, bank, *options, *more, typed=KEY_TYPED)

    name = "mac 009" if verb == "generate" else "exchange 009"
    assert (1, "") == (done.returncode, done.stdout)
    assert f"{name} has a key, check value {before[name]}; to cut it off say --replace" in (
        done.stderr
    )
    assert before == checks(bank)


@pytest.mark.parametrize("command", [GENERATE, CEREMONY])
def test_script_that_says_replace_does(bank: Path, command: tuple[str, ...]) -> None:
    """With ``--replace`` the one key is another, and nothing else is."""
    before = checks(bank)
    verb, *options = command

    done = run("keys", verb, bank, *options, "--replace", typed=KEY_TYPED)

    after = checks(bank)
    assert 0 == done.returncode, done.stderr
    assert 1 == sum(after[name] != before[name] for name in before)
    assert before.keys() == after.keys()


@pytest.mark.parametrize("command", [GENERATE, CEREMONY])
def test_first_key_needs_no_word(bank: Path, command: tuple[str, ...]) -> None:
    """Where there is no key yet, none is cut off and none is asked about."""
    verb, *options = command

    done = run("keys", verb, bank, *options, "--terminal", "S1ABC777", typed=KEY_TYPED)

    assert 0 == done.returncode, done.stderr
    assert {"mac 009/S1ABC777", "exchange 009/S1ABC777"} & checks(bank).keys()


@pytest.mark.parametrize(
    ("typed", "more", "is_replaced"),
    [("n\n", (), False), ("y\n", (), True), ("", ("--yes",), True), ("", ("--replace",), True)],
)
def test_terminal_is_asked_once(
    bank: Path, typed: str, more: tuple[str, ...], *, is_replaced: bool
) -> None:
    """At a terminal the question is put; ``--yes`` answers it, ``--replace`` spares it."""
    before = checks(bank)
    verb, *options = GENERATE

    done = at_terminal(typed, "keys", verb, bank, *options, *more)

    assert is_replaced is (done.returncode == 0) is (before != checks(bank))
    assert ("--replace" in more) is ("the line stops until" not in done.stdout)


def test_component_that_is_a_key_ends_it(bank: Path) -> None:
    """A custodian who types a key of this switch is stopped before the next is called."""
    vault = open_folder(bank).vault()
    before = checks(bank)

    for ladder in vault.keys.values():
        typed = ladder.in_use.token.reveal().hex()
        for turn, lines in enumerate((f"{typed}\n{KEY_TYPED}", f"{KEY_TYPED[:33]}{typed}\n"), 1):
            done = run("keys", *CEREMONY[:1], bank, *LINE, "--replace", typed=lines)

            assert 1 == done.returncode
            assert f"component {turn}: it is a key of this switch itself" in done.stderr
            assert "the key has the check value" not in done.stdout
            assert typed not in (done.stdout + done.stderr).lower()
    assert before == checks(bank)


def test_components_that_make_an_old_key_are_refused(bank: Path) -> None:
    """What the XOR gives is judged like any key: one in use elsewhere, or one that left."""
    ceremony = ("keys", "ceremony", bank, *LINE, "--replace")
    again = f"{FIRST[:16].hex()}\n{SECOND[:16].hex()}\n"
    other = f"{FIRST[:16].hex()}\n{THIRD[:16].hex()}\n"
    mac = open_folder(bank).vault().keys
    key = next(one.in_use for name, one in mac.items() if str(name) == "mac 009").token.reveal()
    rest = with_odd_parity(Key(bytes(a ^ b for a, b in zip(key, FIRST[:16], strict=True))))
    purpose = run(*ceremony, typed=f"{FIRST[:16].hex()}\n{rest.reveal().hex()}\n")

    taken = [run(*ceremony, typed=typed).returncode for typed in (again, other)]
    back = run(*ceremony, typed=again)

    assert "the key is in use for another purpose" in purpose.stderr
    assert ([0, 0], 1) == (taken, back.returncode)
    assert "the key was replaced by a newer one" in back.stderr
    assert "begin the ceremony anew" in back.stderr


def test_triple_length_in_name_only_is_refused(bank: Path) -> None:
    """Components of 24 bytes that make K1|K2|K1 make no key."""
    wanted = FIRST[:16] + FIRST[:8]
    rest = with_odd_parity(Key(bytes(a ^ b for a, b in zip(wanted, SECOND, strict=True))))

    done = run(
        *("keys", "ceremony", bank, *LINE, "--replace"),
        typed=f"{SECOND.hex()}\n{rest.reveal().hex()}\n",
    )

    assert 1 == done.returncode
    assert "a double-length key written at triple length" in done.stderr

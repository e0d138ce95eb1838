"""The mock host answers by its rules; the emulator, and whoever else, can be tested against it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles.served import make_folder, run

CARD = ("--pan", "9990090000000012")


@dataclass
class Mock:
    """A running mock host."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> str:
        """End it and return what it printed last."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=20)
        assert 0 == self.process.returncode
        return out

    def inquire(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One inquiry."""
        where = ("--connect", self.address, "--timeout", "2")
        return run("inquire", *where, *CARD, *words, module="terminal_emulator")


@contextmanager
def mock_host(tmp_path: Path, rules: str = "", *words: str | Path) -> Iterator[Mock]:
    """Run a mock host for a block."""
    (tmp_path / "rules.toml").write_text(rules)
    program = [
        sys.executable, "-m", "terminal_emulator", "mock-host", "--listen", "127.0.0.1:0",
        "--rules", str(tmp_path / "rules.toml"), *map(str, words),
    ]  # fmt: skip
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Mock(process, line.removeprefix("listening on ").strip())
        finally:
            process.terminate()


def test_without_rules_an_inquiry_is_approved(tmp_path: Path) -> None:
    """A balance that adds up, screen and slip; the counts at the end."""
    with mock_host(tmp_path) as mock:
        done = mock.inquire("--json")
        told = mock.stop()

    assert 0 == done.returncode, done.stderr
    answer = json.loads(done.stdout)
    assert (True, "21119470.47") == (answer["approved"], answer["balance"]["closing"])
    assert "MOCK HOST" in " ".join(answer["receipt"])
    assert "answered 00 3" in told


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ('code = "91"', "refused: 91"),
        ('do = "drop"', "did not answer STAN"),
        ('do = "close"', "closed the link"),
        ('do = "reset"', "broke the link"),
        ('do = "garbage"', "answered nonsense"),
        ('set = { 11 = "999999" }', "answered another question"),
        ("delay = 5.0", "did not answer STAN"),
    ],
)
def test_rule_decides_what_becomes_of_an_inquiry(tmp_path: Path, rule: str, sentence: str) -> None:
    """Sign-on goes on as before; the emulator says in one sentence what it met."""
    with mock_host(tmp_path, f'[[rule]]\nmti = "0200"\n{rule}\n') as mock:
        done = mock.inquire()

    assert 1 == done.returncode
    assert sentence in done.stderr


def test_every_nth_request_and_one_card_are_told_apart(tmp_path: Path) -> None:
    """A rule for every second inquiry, one for a card: each counts only what fits it."""
    rules = (
        '[[rule]]\nmti = "0200"\nelements = { 2 = "9990090000000020" }\ncode = "62"\n'
        '[[rule]]\nmti = "0200"\nevery = 2\ncode = "91"\n'
    )
    with mock_host(tmp_path, rules) as mock:
        where = ("--connect", mock.address)
        other = run("inquire", *where, "--pan", "9990090000000020", module="terminal_emulator")
        codes = [mock.inquire().returncode for _ in range(4)]

    assert "refused: 62" in other.stderr
    assert [0, 1, 0, 1] == codes


def test_macs_are_made_and_checked_under_a_kit(tmp_path: Path) -> None:
    """With a kit the answer is authentic; a terminal without the key gets 63."""
    folder = make_folder(tmp_path, "--mac", "required")
    kit = folder / "terminal-kit.json"
    with mock_host(tmp_path, "", "--kit", kit) as mock:
        signed = mock.inquire("--kit", kit)
        unsigned = mock.inquire("--no-sign-on")

    assert 0 == signed.returncode, signed.stderr
    assert "63" in unsigned.stderr


def test_example_rules_are_read_as_printed(tmp_path: Path) -> None:
    """What ``--example`` prints is a rules file."""
    printed = run("mock-host", "--example", module="terminal_emulator").stdout

    with mock_host(tmp_path, printed) as mock:
        assert 0 == mock.inquire().returncode


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("[[rule]]\ncolour = 1\n", "rule 1: 'colour' is not known"),
        ('[[rule]]\ndo = "dance"\n', "do is one of answer, drop"),
        ("[[rule]]\nchance = 2.0\n", "chance is from 0 to 1"),
        ('[[rule]]\nset = { pan = "1" }\n', "'pan' is no number"),
        ("[rules]\n", "'rules' is not known"),
    ],
)
def test_mistakes_of_rules_are_named(tmp_path: Path, rules: str, sentence: str) -> None:
    """File, rule and key; exit 1."""
    (tmp_path / "rules.toml").write_text(rules)

    done = run("mock-host", "--rules", tmp_path / "rules.toml", module="terminal_emulator")

    assert 1 == done.returncode
    assert sentence in done.stderr
    assert "rules.toml" in done.stderr

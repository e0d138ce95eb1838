"""The mock host answers by its rules; the emulator, and whoever else, can be tested against it."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.mock_host.rules import RulesWrong, read_rules
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
        out, _ = self.process.communicate(timeout=90)
        assert 0 == self.process.returncode
        return out

    def inquire(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One inquiry; of an answer that is not to come ``--timeout`` says how long it waits."""
        where = ("--connect", self.address, "--timeout", "20")
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
    patience = ("--timeout", "2") if sentence.startswith("did not answer") else ()
    with mock_host(tmp_path, f'[[rule]]\nmti = "0200"\n{rule}\n') as mock:
        done = mock.inquire(*patience)

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


def test_one_answer_comes_twice_apart(tmp_path: Path) -> None:
    """The third request alone is answered twice; the second copy after the time given.

    Counted from before the request, for its first answer may be read late.
    """
    rules = "[[rule]]\nnth = 3\ntimes = 2\napart = 0.3\n"
    profile = load_profile("bpjstk-jht-v1")
    echo = IsoMessage("0800", {7: "0630072507", 11: "000007", 70: "301"})
    framed = enclose(profile.framing, Packager(profile).pack(echo))
    buffer = FrameBuffer(profile.framing)
    arrived: list[tuple[float, bytes]] = []
    with mock_host(tmp_path, rules) as mock:
        host, _, port = mock.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=90) as link:
            began = time.monotonic()
            link.sendall(framed * 3)
            while len(arrived) < 4:
                buffer.receive(link.recv(4096))
                arrived += [(time.monotonic(), frame.payload) for frame in buffer.frames()]

    assert 1 == len({payload for _, payload in arrived})
    assert arrived[3][0] - began >= 0.3


@given(
    st.dictionaries(
        st.sampled_from(["every", "nth", "chance", "delay", "set", "unset", "code", "mti", "do"]),
        st.one_of(
            st.integers(-2, 200).map(str),
            st.sampled_from(
                ['"x"', "true", "nan", "[]", '{ 39 = "00" }', "[[1]]", "1.5", '"drop"']
            ),
        ),
        max_size=4,
    )
)
def test_any_values_give_rules_or_one_sentence(keys: dict[str, str]) -> None:
    """Whatever stands behind a key, the file is used or refused by line and key."""
    text = "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())

    try:
        rules = read_rules(text, "1")
    except RulesWrong as wrong:
        number, key = re.fullmatch(r"line ([0-9]+): rule 1: (\w+) is .*", str(wrong)).groups()  # type: ignore[union-attr]
        assert list(keys)[int(number) - 2] == key
    else:
        assert 1 == rules.rule_for(IsoMessage("0200", {11: "000001"})).times


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
        ("[[rule]]\ncolour = 1\n", "line 2: rule 1: 'colour' is not known"),
        ('[[rule]]\n[[rule]]\n# slow\ndelay = "long"\n', "line 4: rule 2: delay is seconds"),
        ('[[rule]]\ndo = "dance"\n', "do is one of answer, drop"),
        ("[[rule]]\nchance = 2.0\n", "chance is from 0 to 1"),
        ('[[rule]]\nset = { pan = "1" }\n', "set is a table of data elements"),
        ("[rules]\n", "'rules' is not known"),
        ("[rule]\nevery = 2\n", "a rule begins with [[rule]]"),
    ],
)
def test_mistakes_of_rules_are_named(tmp_path: Path, rules: str, sentence: str) -> None:
    """File, rule and key; exit 1."""
    (tmp_path / "rules.toml").write_text(rules)

    done = run("mock-host", "--rules", tmp_path / "rules.toml", module="terminal_emulator")

    assert 1 == done.returncode
    assert sentence in done.stderr
    assert "rules.toml" in done.stderr

"""Claims about the emulator and the switch together: two programs, one socket, no doubles."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.doubles.served import run as run_switch
from tests.doubles.served import serve
from tests.unit.terminal_emulator.emulator import run
from tests.unit.terminal_emulator.host import PIN

UNLINKED = "9990090000000012"
"""Sound, and unknown to a switch without members."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running switch: where it listens and its terminal's kit."""

    address: str
    kit: str

    def inquire(self, *arguments: str) -> CompletedProcess[str]:
        """Run one inquiry against it, in JSON."""
        return run("inquire", "--connect", self.address, "--kit", self.kit, "--json", *arguments)


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Hold a switch of a fresh folder, without members."""
    folder = tmp_path_factory.mktemp("switch") / "bank"
    assert 0 == run_switch("init", folder, "--listen", "127.0.0.1:0").returncode
    with serve(folder) as running:
        yield Served(running.address, str(folder / "terminal-kit.json"))


@pytest.mark.parametrize("command", ["sign-on", "echo", "sign-off"])
def test_switch_answers_network_management(switch: Served, command: str) -> None:
    """The switch approves sign-on, echo and sign-off of the kit's terminal."""
    done = run(command, "--connect", switch.address, "--kit", switch.kit)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--pan", UNLINKED, "--pin", PIN), "56"),
        (("--pan", UNLINKED[:-1] + "3", "--pin", PIN), "14"),
        (("--pan", UNLINKED), "30"),
        (("--pan", UNLINKED, "--pin", PIN, "--no-sign-on"), "58"),
        (("--pan", UNLINKED, "--pin", PIN, "--channel", "9999"), "40"),
    ],
)
def test_switch_declines_with_its_code(
    switch: Served, arguments: tuple[str, ...], code: str
) -> None:
    """Each reason to decline reaches the terminal as its DE39, and the exit code is 1."""
    done = switch.inquire(*arguments)

    assert (1, code) == (done.returncode, json.loads(done.stdout)["response_code"])


def test_unknown_bank_is_refused_at_sign_on(switch: Served) -> None:
    """A terminal of a bank the switch does not know gets no further than the sign-on."""
    done = switch.inquire("--pan", UNLINKED, "--pin", PIN, "--acquirer", "8")

    assert 1 == done.returncode
    assert "refused the sign-on: 31" in done.stderr


def test_nothing_printed_holds_a_secret(switch: Served) -> None:
    """Neither program prints the card number or the PIN."""
    done = switch.inquire("--pan", UNLINKED, "--pin", PIN)
    logged = (Path(switch.kit).parent.parent / "bank.log").read_text()

    assert not any(
        canary in text for canary in (UNLINKED, PIN) for text in (done.stdout, done.stderr, logged)
    )

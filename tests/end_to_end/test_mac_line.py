"""The line with MACs as its users see it: init, serve, inquire, and what goes wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from atm_switch.domain.secret import Key
from atm_switch.security.tdes import check_value
from tests.doubles.served import Served, make_folder, run, serve

CARD, PIN = "9990090000000012", "123456"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Served]]:
    """Serve a folder whose bank requires MACs."""
    folder = make_folder(tmp_path_factory.mktemp("mac"), "--mac", "required")
    with serve(folder) as running:
        yield folder, running


def inquire(served: Served, *options: str | Path) -> tuple[int, str]:
    """Ask for a balance; return the exit code and all that was printed."""
    done = run(
        *("inquire", "--connect", served.address, "--pan", CARD, *options),
        module="terminal_emulator",
    )
    return done.returncode, done.stdout + done.stderr


def test_terminal_with_its_kit_is_served(served: tuple[Path, Served]) -> None:
    """The kit of init signs; the balance comes, and its MAC is believed."""
    folder, running = served

    code, told = inquire(running, "--pin", PIN, "--kit", folder / "terminal-kit.json")

    assert 0 == code, told
    assert "19.409.470,47" in told


def test_terminal_without_a_key_gets_63(served: tuple[Path, Served]) -> None:
    """Without a kit nothing is signed, and the sign-on is refused."""
    _, running = served

    code, told = inquire(running)

    assert 1 == code
    assert "refused the sign-on: 63" in told


def test_terminal_with_a_strange_key_says_so(served: tuple[Path, Served], tmp_path: Path) -> None:
    """The answer's MAC is not under its key either: it names what to compare."""
    folder, running = served
    kit = json.loads((folder / "terminal-kit.json").read_text())
    kit["mac_key"] = "1031526474869BA8B9CADCECFD0E2040"
    kit["mac_key_check"] = check_of(kit["mac_key"])
    (tmp_path / "kit.json").write_text(json.dumps(kit))

    code, told = inquire(running, "--pin", PIN, "--kit", tmp_path / "kit.json")

    assert 1 == code
    assert "answered 63, but its MAC is not under this terminal's MAC key" in told


def test_every_command_signs(served: tuple[Path, Served]) -> None:
    """Sign-on, echo and sign-off work on the line that requires MACs."""
    folder, running = served

    for command in ("sign-on", "echo", "sign-off"):
        done = run(
            *(command, "--connect", running.address, "--kit", folder / "terminal-kit.json"),
            module="terminal_emulator",
        )
        assert 0 == done.returncode, done.stderr


def test_new_keys_are_asked_for_and_used(served: tuple[Path, Served]) -> None:
    """request-keys brings new keys into the kit, and the next inquiry is under them."""
    folder, running = served
    kit = folder / "terminal-kit.json"
    before = json.loads(kit.read_text())

    done = run(
        "request-keys", "--connect", running.address, "--kit", kit, module="terminal_emulator"
    )

    after = json.loads(kit.read_text())
    assert 0 == done.returncode, done.stderr
    assert "new pin_key and mac_key" in done.stdout
    assert before["mac_key"] == after["mac_key_before"] != after["mac_key"]
    assert before["pin_key"] != after["pin_key"]
    assert 0 == inquire(running, "--pin", PIN, "--kit", kit)[0]


def test_kit_without_exchange_key_cannot_ask(served: tuple[Path, Served]) -> None:
    """Whoever has no exchange key is told what is missing, as wrong usage."""
    _, running = served

    done = run("request-keys", "--connect", running.address, module="terminal_emulator")

    assert 2 == done.returncode
    assert "--kit" in done.stderr


def check_of(key: str) -> str:
    """Return a key's check value."""
    return check_value(Key.from_hex(key))

"""The whole flow with a hardware HSM: PINs, MACs and key changes without a clear key here.

The HSM is the test HSM of the doubles, a process of its own that speaks host commands.
"""

import json
import signal
from pathlib import Path

import pytest

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.folder import open_folder
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.security.vault import Vault
from tests.doubles.hardware import give_keys_to_hardware, hardware
from tests.doubles.served import Served, make_folder, run, serve

MAC_NAME = KeyName(KeyUsage.MAC, AcquirerId("009"))
CARD, PIN = "9990090000000012", "123456"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Make a folder whose bank requires MACs and has its PINs verified here."""
    return make_folder(tmp_path, "--mac", "required")


def inquire(folder: Path, served: Served, pin: str = PIN) -> dict[str, object]:
    """Ask for a balance; return what the emulator says of it."""
    done = run(
        *("inquire", "--connect", served.address, "--kit", folder / "terminal-kit.json"),
        *("--pan", CARD, "--pin", pin, "--json"),
        module="terminal_emulator",
    )
    return dict(json.loads(done.stdout))


def test_production_serves_without_a_clear_line_key(bank: Path) -> None:
    """In production mode: right PIN 00, wrong PIN 55, new keys over the line, 00 again."""
    with hardware() as (port, _):
        give_keys_to_hardware(bank, port)
        with serve(bank) as served:
            right, wrong = inquire(bank, served), inquire(bank, served, "999999")
            changed = run(
                *("request-keys", "--connect", served.address),
                *("--kit", bank / "terminal-kit.json"),
                module="terminal_emulator",
            )
            after = inquire(bank, served)

    assert ("00", "55") == (right["response_code"], wrong["response_code"])
    assert 0 == changed.returncode, changed.stderr
    assert "00" == after["response_code"]
    ladders = open_folder(bank).vault().keys.values()
    held = [one for two in ladders for one in (two.in_use, two.other) if one is not None]
    assert not any(key.is_clear for key in held)


def test_switch_holds_no_line_key_in_memory(bank: Path) -> None:
    """The clear keys of the line are nowhere in the memory of the serving process."""
    clear = {
        name.usage: ladder.in_use.token.reveal()
        for name, ladder in open_folder(bank).vault().keys.items()
    }
    with hardware() as (port, _):
        give_keys_to_hardware(bank, port)
        with serve(bank) as served:
            assert "00" == inquire(bank, served)["response_code"]
            image = memory_of(served.process.pid)

    if image is None:
        pytest.skip("the memory of another process cannot be read here")
    for usage in (KeyUsage.PIN, KeyUsage.MAC, KeyUsage.EXCHANGE, KeyUsage.PVK):
        assert clear[usage] not in image
        assert clear[usage].hex().encode() not in image.lower()


def memory_of(pid: int) -> bytes | None:
    """Read all that a process has in memory, where that is allowed."""
    parts = []
    try:
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb") as mem:
            for line in maps:
                region, rights, *_ = line.split()
                if not rights.startswith("rw"):
                    continue
                start, end = (int(part, 16) for part in region.split("-"))
                mem.seek(start)
                parts.append(mem.read(end - start))
    except (PermissionError, OSError):
        return None
    return b"".join(parts)


def test_hsm_away_is_91_and_back_is_00(bank: Path) -> None:
    """Without its HSM the switch approves nothing; with it again it goes on by itself."""
    with hardware() as (port, process):
        give_keys_to_hardware(bank, port)
        with serve(bank) as served:
            before = inquire(bank, served)
            process.send_signal(signal.SIGKILL)
            process.wait()
            away = inquire(bank, served)
            with hardware(port):
                codes = [inquire(bank, served).get("response_code") for _ in range(20)]

    assert "00" == before["response_code"]
    assert away["approved"] is False
    assert "00" in codes


def test_production_refuses_software_keys(bank: Path) -> None:
    """Without the HSM in its settings a folder does not start in production."""
    settings = bank / "switch.toml"
    settings.write_text(settings.read_text().replace('mode = "lab"', 'mode = "production"'))

    done = run("serve", bank)

    assert 78 == done.returncode
    assert "PINs are not verified in software in production" in done.stderr
    assert "MACs are not computed in software in production" in done.stderr
    assert 'engine = "host"' in done.stderr


def test_clear_keys_do_not_start_with_hardware(bank: Path) -> None:
    """Who set the HSM but did not install its tokens is told key by key."""
    settings = bank / "switch.toml"
    settings.write_text(
        settings.read_text() + '\n[hsm]\nengine = "host"\naddresses = ["127.0.0.1:1"]\n'
    )

    done = run("serve", bank)

    assert 1 == done.returncode
    for name in ("pin 009", "mac 009", "exchange 009", "pvk 1"):
        assert f"the key {name} is in the clear" in done.stderr
    assert "atm-switch keys install" in done.stderr


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        (("ceremony", "--acquirer", "009"), "form the key at the HSM"),
        (("generate", "--acquirer", "009", "--usage", "mac"), "make the key at the HSM"),
        (("export", "--acquirer", "009", "--usage", "mac"), "export the key at the HSM"),
    ],
)
def test_officers_are_sent_to_the_hardware(
    bank: Path, command: tuple[str, ...], instead: str
) -> None:
    """With a hardware HSM no command forms, draws or exports a key in software."""
    settings = bank / "switch.toml"
    settings.write_text(
        settings.read_text() + '\n[hsm]\nengine = "host"\naddresses = ["127.0.0.1:1"]\n'
    )

    done = run("keys", command[0], bank, *command[1:])

    assert 1 == done.returncode
    assert f"{instead}, then: atm-switch keys install" in done.stderr


def test_token_of_another_key_does_not_start(bank: Path) -> None:
    """A token that is not the key its check value says is named, and nothing is served."""
    with hardware() as (port, _):
        give_keys_to_hardware(bank, port)
        swap_check_value(bank)

        done = run("serve", bank)

    assert 1 == done.returncode
    assert "the key mac 009 has check value" in done.stderr
    assert "atm-switch keys install" in done.stderr


def test_install_asks_the_hardware(bank: Path) -> None:
    """A token whose check value is not the HSM's own is not installed."""
    with hardware() as (port, _):
        give_keys_to_hardware(bank, port)
        token = open_folder(bank).vault().keys[MAC_NAME].in_use.token.reveal().decode()

        done = run(
            *("keys", "install", bank, "--usage", "mac", "--acquirer", "009"),
            *("--check", "ABCDEF"),
            typed=token + "\n",
        )

    assert 1 == done.returncode
    assert "at the HSM, not ABCDEF" in done.stderr


def test_reload_keeps_keys_the_hardware_knows(bank: Path) -> None:
    """A key file with a wrong token changes nothing at SIGHUP: the line goes on with the old."""
    with hardware() as (port, _):
        give_keys_to_hardware(bank, port)
        with serve(bank) as served:
            swap_check_value(bank)
            served.process.send_signal(signal.SIGHUP)
            served.wait_for("keys not reloaded")

            assert "00" == inquire(bank, served)["response_code"]


def swap_check_value(folder: Path) -> None:
    """Write a check value into the key file that is not the MAC key's."""

    def change(vault: Vault) -> Vault:
        held = vault.keys[MAC_NAME].in_use
        wrong = LineKey(held.token, "ABCDEF", held.algorithm, is_clear=False)
        return vault.with_key(MAC_NAME, wrong)

    open_folder(folder).change_keys(change)

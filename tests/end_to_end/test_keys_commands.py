"""The officer's desk from outside: ceremony, list, generate, export, import, install."""

import json
import re
from pathlib import Path

import pytest

from atm_switch.domain.secret import Key
from atm_switch.security.components import combine, key_check_value
from atm_switch.security.key_block import unwrap
from atm_switch.security.tdes import with_odd_parity
from tests.doubles.served import make_folder, run, serve

FIRST = with_odd_parity(Key(bytes(range(16)))).reveal().hex().upper()
SECOND = with_odd_parity(Key(bytes(range(100, 116)))).reveal().hex().upper()
THIRD = with_odd_parity(Key(bytes(range(200, 216)))).reveal().hex().upper()
CARD, PIN = "9990090000000012", "123456"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Make a folder whose bank requires MACs."""
    return make_folder(tmp_path, "--mac", "required")


def check_values(folder: Path) -> dict[str, str]:
    """Read the list of keys: check value by name, those in use."""
    done = run("keys", "list", folder)
    assert 0 == done.returncode, done.stderr
    rows = [re.split(r"\s{2,}", line) for line in done.stdout.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if row[3] == "in use"}


def test_list_shows_every_key_by_check_value(bank: Path) -> None:
    """The list names each key and shows nothing of it but six digits."""
    kit = json.loads((bank / "terminal-kit.json").read_text())

    listed = check_values(bank)

    assert {"pin 009", "mac 009", "exchange 009", "pvk 1"} == set(listed)
    assert kit["mac_key_check"] == listed["mac 009"]
    assert kit["mac_key"] not in run("keys", "list", bank).stdout


def test_ceremony_forms_the_exchange_key(bank: Path) -> None:
    """Components in, check values out: of each, and of the key they make."""
    parts = [Key.from_hex(FIRST), Key.from_hex(SECOND), Key.from_hex(THIRD)]
    expected = key_check_value(combine(parts), "T")

    done = run(
        *("keys", "ceremony", bank, "--acquirer", "009", "--components", "3", "--replace"),
        typed=f"{FIRST}\n{SECOND}\n{THIRD}\n",
    )

    assert 0 == done.returncode, done.stderr
    assert [*(key_check_value(part, "T") for part in parts), expected] == re.findall(
        r"check value ([0-9A-F]{6})", done.stdout
    )
    assert expected == check_values(bank)["exchange 009"]
    assert FIRST[:8] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (f"{FIRST}\n{FIRST}\n", "component 2 is component 1 again"),
        (f"{FIRST}\n{SECOND[:16]}\n", "component 2"),
        (f"{FIRST}\nnot hexadecimal\n", "component 2: not hexadecimal"),
        (f"{FIRST}\n", "component 2"),
        (f"{FIRST}\n{'00' * 16}\n", "component 2"),
    ],
)
def test_spoilt_ceremony_changes_nothing(bank: Path, typed: str, sentence: str) -> None:
    """A wrong component is named by its number, and the old key stays."""
    before = check_values(bank)

    done = run("keys", "ceremony", bank, "--acquirer", "009", "--replace", typed=typed)

    assert 1 == done.returncode
    assert sentence in done.stderr
    assert "begin the ceremony anew" in done.stderr
    assert before == check_values(bank)
    assert FIRST[:8] not in done.stdout + done.stderr


def test_generated_key_goes_into_the_kit(bank: Path) -> None:
    """A fresh MAC key is sealed, shown by check value, and in the lab's kit."""
    before = check_values(bank)["mac 009"]

    done = run("keys", "generate", bank, "--acquirer", "009", "--usage", "mac", "--replace")

    kit = json.loads((bank / "terminal-kit.json").read_text())
    assert 0 == done.returncode, done.stderr
    assert kit["mac_key_check"] == check_values(bank)["mac 009"] != before
    assert kit["mac_key_check"] in done.stdout


def test_terminal_may_have_keys_of_its_own(bank: Path) -> None:
    """One terminal's key is its own; its kit works, and the bank's kit still does."""
    for usage in ("pin", "mac"):
        options = ("--acquirer", "009", "--terminal", "S1ABC124", "--usage", usage)
        assert 0 == run("keys", "generate", bank, *options).returncode

    with serve(bank) as served:
        for kit in ("terminal-kit.json", "terminal-kit-S1ABC124.json"):
            done = run(
                *("inquire", "--connect", served.address, "--kit", bank / kit),
                *("--pan", CARD, "--pin", PIN),
                module="terminal_emulator",
            )
            assert 0 == done.returncode, done.stderr


def test_exported_key_comes_in_elsewhere(bank: Path, tmp_path: Path) -> None:
    """A key leaves as a block under the exchange key, and comes in by the same."""
    other = make_folder(tmp_path / "other", "--mac", "required")
    for folder in (bank, other):
        typed = f"{FIRST}\n{SECOND}\n"
        done = run("keys", "ceremony", folder, "--acquirer", "009", "--replace", typed=typed)
        assert 0 == done.returncode, done.stderr

    exported = run("keys", "export", bank, "--acquirer", "009", "--usage", "mac")
    check, block = exported.stdout.split()
    taken = run(
        *("keys", "import", other, "--acquirer", "009", "--usage", "mac", "--check", check),
        typed=block + "\n",
    )

    zmk = combine([Key.from_hex(FIRST), Key.from_hex(SECOND)])
    assert "M3" == unwrap(zmk, block).usage
    assert 0 == taken.returncode, taken.stderr
    assert check == check_values(bank)["mac 009"] == check_values(other)["mac 009"]


def test_block_comes_in_as_it_was_printed(bank: Path) -> None:
    """The line of ``keys export`` is taken whole: its check value counts as one that was given."""
    words = ("--acquirer", "009", "--usage", "mac")
    printed = run("keys", "export", bank, *words).stdout
    check, block = printed.split()

    taken = run("keys", "import", bank, *words, typed=printed)
    other = run("keys", "import", bank, *words, typed=f"ABCDEF {block}\n")
    twice = run("keys", "import", bank, *words, "--check", "ABCDEF", typed=printed)

    assert 0 == taken.returncode, taken.stderr
    assert f"check value {check};" in taken.stdout
    assert 1 == other.returncode
    assert "not the one given" in other.stderr
    assert 2 == twice.returncode
    assert f"--check is not the check value before the block, {check}" in twice.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--usage", "pin"), "not for P0 T"),
        (("--usage", "mac", "--check", "ABCDEF"), "not the one given"),
        (("--usage", "mac", "--acquirer", "014"), "no such acquirer; there are: 009"),
    ],
)
def test_block_that_does_not_fit_is_refused(
    bank: Path, options: tuple[str, ...], sentence: str
) -> None:
    """Usage, check value and bank must be those of the block; nothing changes otherwise."""
    block = run("keys", "export", bank, "--acquirer", "009", "--usage", "mac").stdout.split()[1]
    before = check_values(bank)

    done = run("keys", "import", bank, "--acquirer", "009", *options, typed=block + "\n")

    assert 1 == done.returncode
    assert sentence in done.stderr
    assert before == check_values(bank)


def test_token_needs_the_hardware_engine(bank: Path) -> None:
    """A key under a master key is of no use to the software engine, and refused."""
    done = run(
        *("keys", "install", bank, "--acquirer", "009", "--usage", "pin", "--check", "ABCDEF"),
        typed="U" + "0" * 32 + "\n",
    )

    assert 1 == done.returncode
    assert 'engine = "host"' in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("install", "--usage", "pvk", "--check", "ABCDEF"),
        ("install", "--usage", "pin", "--check", "ABCDEF"),
        ("install", "--usage", "pin", "--acquirer", "009", "--check", "12"),
        ("generate", "--usage", "pin", "--acquirer", "BNI"),
        ("generate", "--usage", "pin", "--acquirer", "009", "--terminal", "ATM1"),
        ("ceremony",),
    ],
)
def test_wrong_usage_is_exit_two(bank: Path, options: tuple[str, ...]) -> None:
    """What cannot be meant is wrong usage, told before anything is asked."""
    done = run("keys", options[0], bank, *options[1:])

    assert 2 == done.returncode, done.stderr


def test_every_change_is_in_the_audit(bank: Path) -> None:
    """Who changed which key is recorded, with its check value."""
    line = ("--acquirer", "009", "--replace")
    run("keys", "ceremony", bank, *line, typed=f"{FIRST}\n{SECOND}\n")
    run("keys", "generate", bank, *line, "--usage", "pin")
    run("keys", "export", bank, "--acquirer", "009", "--usage", "pin")

    told = run("audit", "tail", bank).stdout

    for word in ("formed of 2 components", "drawn", "exported", "exchange 009", "pin 009"):
        assert word in told
    assert check_values(bank)["pin 009"] in told
    assert 0 == run("audit", "verify", bank).returncode


def test_every_change_is_an_event_of_its_bank(bank: Path) -> None:
    """Who listens to a bank hears of its keys and its terminals', and who listens to others not."""
    line = ("--acquirer", "009")
    assert 0 == run("keys", "generate", bank, *line, "--replace", "--usage", "pin").returncode
    own = ("--terminal", "S1ABC124", "--usage", "mac")
    assert 0 == run("keys", "generate", bank, *line, *own).returncode

    def subjects(acquirer: str) -> list[str]:
        told = run("events", "tail", bank, "--json", "--acquirer", acquirer).stdout
        bodies = [json.loads(one).get("security", {}) for one in told.splitlines()]
        return [body["subject"] for body in bodies if body.get("what") == "key change"]

    assert ["pin 009", "mac 009/S1ABC124"] == subjects("009")
    assert [] == subjects("014")


def test_admin_commands_are_in_the_audit(bank: Path) -> None:
    """Imports, links and added banks are recorded with who did them and what came of it."""
    sample = bank / "sample"
    run("ledger", "import", bank, sample / "participants.csv")
    run("cards", "link", bank, sample / "cards.csv")
    run("acquirer", "add", bank, "014", "--name", "BANK LAIN", "--mac", "required")

    told = run("audit", "tail", bank).stdout

    for word in ("ledger import", "cards link", "acquirer 014", "mac required", "uid"):
        assert word in told


def test_serving_leaves_its_record(bank: Path) -> None:
    """Start, configuration, sign-on, refusals and stop are all in the audit."""
    with serve(bank) as served:
        kit = bank / "terminal-kit.json"
        options = ("--connect", served.address)
        run("sign-on", *options, "--kit", kit, module="terminal_emulator")
        run("echo", *options, module="terminal_emulator")
        run("request-keys", *options, "--kit", kit, module="terminal_emulator")

    told = run("audit", "tail", bank, "-n", "100").stdout

    words = ("start", "configuration", "sign-on", "mac refused", "key change", "stop", "sha256")
    for word in words:
        assert word in told

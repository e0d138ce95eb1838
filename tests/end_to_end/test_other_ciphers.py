"""The other ways to protect a line, from end to end: AES keys and format 4, IBM 3624."""

from pathlib import Path

import pytest

from tests.doubles.served import make_folder, run, serve

CARD, PIN = "9990090000000012", "123456"
AES_PROFILE = """\
extends = "bpjstk-jht-v1"
name = "bank-aes"
title = "AES-CMAC and ISO 9564 format 4"
[security]
mac_algorithm = "aes-cmac"
pin_block_formats = ["4"]
[elements]
52 = { name = "PIN block", class = "b", length = 16, show = "hidden" }
"""


def inquire(folder: Path, address: str, pin: str = PIN, *options: str | Path) -> tuple[int, str]:
    """Ask for a balance with the folder's kit."""
    done = run(
        *("inquire", "--connect", address, "--kit", folder / "terminal-kit.json"),
        *("--pan", CARD, "--pin", pin, *options),
        module="terminal_emulator",
    )
    return done.returncode, done.stdout + done.stderr


def with_profile(folder: Path, text: str) -> None:
    """Have the folder's one listener speak a profile of its own."""
    (folder / "bank.toml").write_text(text)
    settings = folder / "switch.toml"
    old = 'profile = "bpjstk-jht-v1"'
    assert old in settings.read_text()
    settings.write_text(settings.read_text().replace(old, 'profile = "bank.toml"'))


def test_aes_line_works_from_end_to_end(tmp_path: Path) -> None:
    """AES-CMAC in DE64, a PIN block of format 4 in DE52, AES keys changed over the line."""
    folder = make_folder(tmp_path, "--mac", "required")
    with_profile(folder, AES_PROFILE)
    for usage in ("exchange", "pin", "mac"):
        done = run("keys", "generate", folder, "--acquirer", "009", "--usage", usage, "--replace")
        assert 0 == done.returncode, done.stderr

    with serve(folder) as served:
        right, wrong = inquire(folder, served.address), inquire(folder, served.address, "999999")
        kit = folder / "terminal-kit.json"
        changed = run(
            *("request-keys", "--connect", served.address, "--kit", kit),
            module="terminal_emulator",
        )
        after = inquire(folder, served.address)

    assert (0, 1) == (right[0], wrong[0]), right[1]
    assert "refused: 55" in wrong[1]
    assert 0 == changed.returncode, changed.stderr
    assert 0 == after[0], after[1]
    assert "AES" in run("keys", "list", folder).stdout


def test_keys_of_the_wrong_algorithm_do_not_start(tmp_path: Path) -> None:
    """TDES keys on a line that wants AES are named, with what to do."""
    folder = make_folder(tmp_path, "--mac", "required")
    with_profile(folder, AES_PROFILE)

    done = run("serve", folder)

    assert 1 == done.returncode
    for name in ("pin 009", "mac 009"):
        assert f"the key {name} is not of the algorithm profile bank-aes needs" in done.stderr
    assert "atm-switch keys generate" in done.stderr


@pytest.mark.parametrize("form", ["1", "3"])
def test_other_formats_of_eight_bytes_work(form: str, tmp_path: Path) -> None:
    """A profile may take PIN blocks of format 1 or 3 instead of 0."""
    folder = make_folder(tmp_path)
    profile = (
        f'extends = "bpjstk-jht-v1"\nname = "other"\n[security]\npin_block_formats = ["{form}"]\n'
    )
    with_profile(folder, profile)

    with serve(folder) as served:
        spoken = ("--profile", folder / "bank.toml")
        codes = [inquire(folder, served.address, pin, *spoken)[0] for pin in (PIN, "999999")]

    assert [0, 1] == codes


def test_ibm_offset_verifies_the_pin(tmp_path: Path) -> None:
    """With [pins] method ibm-3624 the pvv column holds offsets, made by cards pvv."""
    folder = make_folder(tmp_path)
    with (folder / "switch.toml").open("a") as settings:
        settings.write('\n[pins]\nmethod = "ibm-3624"\n')
    made = run("cards", "pvv", folder, typed=f"{CARD}\n{PIN}\n")
    offset = made.stdout.strip()
    header, first, *_ = (folder / "sample" / "cards.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    cells |= {"pan": CARD, "pvv": offset[:4], "pvki": offset[5:]}
    (tmp_path / "cards.csv").write_text(header + "\n" + ",".join(cells.values()) + "\n")

    linked = run("cards", "link", folder, tmp_path / "cards.csv")

    assert 0 == linked.returncode, linked.stderr
    with serve(folder) as served:
        codes = [inquire(folder, served.address, pin)[0] for pin in (PIN, "999999")]
    assert [0, 1] == codes

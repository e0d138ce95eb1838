"""The whole flow over TLS to the HSM, with PINs verified by IBM 3624 there."""

import json
from pathlib import Path

from tests.doubles.certificates import LabCa
from tests.doubles.hardware import give_keys_to_hardware, hardware
from tests.doubles.served import make_folder, run, serve

CARD, PIN = "9990090000000012", "123456"


def with_offset(folder: Path, root: Path) -> None:
    """Link the first sample card anew, its PIN behind an IBM 3624 offset."""
    with (folder / "switch.toml").open("a") as settings:
        settings.write('\n[pins]\nmethod = "ibm-3624"\n')
    offset, pvki = run("cards", "pvv", folder, typed=f"{CARD}\n{PIN}\n").stdout.strip().split(",")
    header, first, *_ = (folder / "sample" / "cards.csv").read_text().splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True))
    cells |= {"pan": CARD, "pvv": offset, "pvki": pvki}
    (root / "cards.csv").write_text(header + "\n" + ",".join(cells.values()) + "\n")
    done = run("cards", "link", folder, root / "cards.csv")
    assert 0 == done.returncode, done.stderr


def test_offset_is_verified_by_an_hsm_behind_tls(tmp_path: Path) -> None:
    """
    In production mode, with certificates on both sides and IBM 3624 at the HSM, which checks
    every token on installation: the right PIN is 00 and a wrong one 55.
    """
    folder = make_folder(tmp_path, "--mac", "required")
    with_offset(folder, tmp_path)
    ca = LabCa(tmp_path)
    shown = ca.issue("switch", file="shown")
    files = (
        f'tls_ca = "../{ca.file.name}"\ntls_certificate = "../{shown.certificate.name}"\n'
        f'tls_key = "../{shown.key.name}"\n'
    )
    asking = ("--kit", folder / "terminal-kit.json", "--pan", CARD, "--json", "--pin")

    with hardware(tls=ca.server("hsm")) as (port, _):
        give_keys_to_hardware(folder, port, more=files)
        with serve(folder) as served:
            said = [
                run(
                    "inquire", "--connect", served.address, *asking, pin, module="terminal_emulator"
                ).stdout
                for pin in (PIN, "999999")
            ]
        checked = run("config", "check", folder)

    assert ["00", "55"] == [json.loads(one)["response_code"] for one in said]
    assert 0 == checked.returncode, checked.stderr
    assert "hsm connected" in served.log.read_text()


def test_wrong_files_towards_the_hsm_are_named(tmp_path: Path) -> None:
    """A key open to others and a CA that is not there stop check and start, each at its line."""
    folder = make_folder(tmp_path)
    ca = LabCa(tmp_path)
    shown = ca.issue("switch", file="shown")
    shown.key.chmod(0o644)
    with (folder / "switch.toml").open("a") as settings:
        settings.write(
            '\n[hsm]\nengine = "host"\naddresses = ["127.0.0.1:9"]\ntls_ca = "none.pem"\n'
            'tls_certificate = "../shown.crt"\ntls_key = "../shown.key"\n'
        )
    lines = (folder / "switch.toml").read_text().splitlines()

    done = run("config", "check", folder)

    assert 78 == done.returncode
    for named in ('tls_ca = "none.pem"', 'tls_key = "../shown.key"'):
        assert f"switch.toml:{lines.index(named) + 1}: hsm." in done.stderr

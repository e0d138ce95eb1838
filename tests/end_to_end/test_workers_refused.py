"""Wrong files at a start of several workers: named once, with the exit code that stays down."""

from pathlib import Path

from tests.doubles.certificates import LabCa
from tests.doubles.served import make_folder, own_profile, run
from tests.doubles.workers import with_workers


def test_wrong_profile_is_named_once_with_78(tmp_path: Path) -> None:
    """The supervisor judges it before any worker would, and systemd leaves the switch down."""
    folder = make_folder(tmp_path)
    own_profile(folder).write_text("[")
    with_workers(folder, 2)

    done = run("serve", folder)

    assert (78, "") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count("own.toml: is not TOML")
    assert "process ended" not in done.stderr


def test_key_of_another_certificate_is_named_once_with_78(tmp_path: Path) -> None:
    """As with one worker."""
    ca, folder = LabCa(tmp_path), make_folder(tmp_path)
    files = ca.server()._replace(key=ca.issue("other").key)
    lines = "".join(f'tls_{part} = "{path}"\n' for part, path in files._asdict().items() if path)
    settings = folder / "switch.toml"
    settings.write_text(settings.read_text().replace("[[listeners]]\n", f"[[listeners]]\n{lines}"))
    with_workers(folder, 2)

    done = run("serve", folder)

    assert (78, "") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count("is not the key of")
    assert "process ended" not in done.stderr

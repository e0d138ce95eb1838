"""The wheel is whole: specs and migrations are inside and found from any directory."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_runs_from_anywhere(unpacked: Path, tmp_path: Path) -> None:
    """``init --sample`` works with nothing but the wheel on the path."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}

    done = subprocess.run(
        [sys.executable, "-P", "-m", "atm_switch", "init", "bank", "--sample"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    assert (tmp_path / "bank" / "sample" / "cards.txt").is_file()


def test_wheel_brings_its_specs(unpacked: Path) -> None:
    """Profiles, rates and vectors lie inside the package."""
    inside = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}

    assert "atm_switch/specs/profiles/bpjstk-jht-v1.toml" in inside
    assert "atm_switch/specs/development-rates.csv" in inside
    assert not any(name.startswith(("tests/", "specs/")) for name in inside)


def test_wheel_reads_its_own_profiles(unpacked: Path, tmp_path: Path) -> None:
    """Every profile loads from inside the wheel, not from a checkout that lies around."""
    program = (
        "from atm_switch.profile.load import load_profile as load\n"
        "from atm_switch.profile.shipped import shipped_profiles, specs_folder\n"
        "print(specs_folder(), *[load(name).name for name in shipped_profiles()], sep='\\n')"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert 0 == done.returncode, done.stderr
    folder, *names = done.stdout.splitlines()
    assert unpacked.resolve() / "atm_switch" / "specs" == Path(folder)
    ends = ("", "-bcd", "-ebcdic", "-golden")
    assert [f"bpjstk-jht-v1{end}" for end in ends] == names

"""A copy of the source tree with its codec compiled, for tests and figures of that variant."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from atm_switch.wire.variant import BUILD, NOTE

ROOT = Path(__file__).parents[2]
COPIED = ("atm_switch", "terminal_emulator", "specs", "tests", "pyproject.toml", "hatch_build.py")
SECONDS_MAX = 600


def missing_for_compiling() -> str:
    """Say what is missing here for compiling; empty where nothing is."""
    if shutil.which("cc") is None:
        return "there is no C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "the headers of this interpreter are not installed"
    absent = [name for name in ("Cython", "setuptools") if find_spec(name) is None]
    return f"{absent[0]} is not installed" if absent else ""


def compiled_tree(folder: Path) -> Path:
    """Copy the tree into ``folder``, an empty one, and compile; takes a quarter of a minute.

    Raises ``RuntimeError`` with what the compiler said.
    """
    _copy_tree(folder)
    _run("hatch_build.py", str(folder), cwd=folder)
    return folder


def wheel_in(folder: Path, *, compiled: bool) -> Path:
    """Build the wheel of this tree into ``folder``.  Raises ``RuntimeError``."""
    words = ("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    _run(*words, cwd=ROOT, variables={BUILD: "1" if compiled else "0"})
    (wheel,) = folder.glob("*.whl")
    return wheel


def tree_of(wheel: Path, folder: Path) -> Path:
    """Copy the tree into ``folder``, an empty one, with what is compiled in ``wheel``."""
    _copy_tree(folder)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("atm_switch/wire/") and name.endswith((".so", NOTE)):
                archive.extract(name, folder)
    return folder


def _copy_tree(folder: Path) -> None:
    unwanted = shutil.ignore_patterns("*.so", "__pycache__", NOTE)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            shutil.copy(source, folder / name)


def _run(*words: str, cwd: Path, variables: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    if done.returncode:
        raise RuntimeError(f"this could not be built: {done.stderr[-2000:]}")

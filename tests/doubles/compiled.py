"""A copy of the source tree with its codec compiled, for tests and figures of that variant."""

import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

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
    unwanted = shutil.ignore_patterns("*.so", "__pycache__", "compiled-from.txt")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            shutil.copy(source, folder / name)
    done = subprocess.run(
        [sys.executable, "hatch_build.py", str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
    )
    if done.returncode:
        raise RuntimeError(f"the codec could not be compiled: {done.stderr[-2000:]}")
    return folder

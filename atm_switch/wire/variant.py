"""Which codec runs: machine code where it was built from these very sources, else Python.

Plan: compiled modules lie beside their sources, with a note of what they were made from and
of their own hashes (``make compiled``, or a wheel built with ``ATM_SWITCH_COMPILE=1``).  Without
them, with other sources, or with ``ATM_SWITCH_PURE=1``, the folder is told to load sources only;
so it is where one of them is not what was built (half copied, a bad disk: loading it may end
the process by a signal) or does not load (another machine's, a library missing), which is said.
Both read and write the same, so nothing else depends on it.
Limits: chosen once, when the first module of this floor is loaded; the hashes find accidents,
not whoever may write here.
"""

import sys
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path

MODULES = ("gate", "layout", "message", "packager", "reading", "writing")
"""What is compiled: each has a file ``.py`` that runs as it is, and its types in a ``.pxd``."""
PACKAGE = "atm_switch.wire"
NOTE = "compiled-from.txt"
FORCE, BUILD = "ATM_SWITCH_PURE", "ATM_SWITCH_COMPILE"
"""Environment variables that are no settings: to run Python; to compile into a wheel."""
PURE, COMPILED = "pure codec", "compiled codec"


def chosen(
    folder: Path,
    environment: Mapping[str, str],
    package: str = PACKAGE,
    load: Callable[[str], object] = import_module,
) -> str:
    """Choose for the modules of ``folder``, none of them loaded yet, and say what it is.

    ``load`` tries a compiled module by its name in ``package``, and may raise anything.
    """
    told = PURE
    if environment.get(FORCE, "") in ("", "0") and is_built(folder):
        fault = _fault_of_files(folder) or _fault_of_loading(package, load)
        if not fault:
            return COMPILED
        told = f"{PURE}, for the compiled one does not load ({fault}); make compiled builds it anew"
    finder = FileFinder(str(folder), (SourceFileLoader, SOURCE_SUFFIXES))
    sys.path_importer_cache[str(folder)] = finder
    return told


def _fault_of_files(folder: Path) -> str:
    """Say which compiled module is not, byte by byte, the one the note tells of."""
    noted = set((folder / NOTE).read_text().split("\n"))
    wrong = [file.name for file in _files(folder) if _noted(file) not in noted]
    return f"{wrong[0]} is not what was built" if wrong else ""


def _fault_of_loading(package: str, load: Callable[[str], object]) -> str:
    """Load every compiled module; where one does not load, undo it and say why."""
    before = set(sys.modules)
    try:
        for name in MODULES:
            load(f"{package}.{name}")
    except Exception as error:  # noqa: BLE001 - a module of another make may raise anything
        # Sources of this floor that were loaded on the way hold what was compiled.
        for name in set(sys.modules) - before:
            if name.startswith(f"{package}."):
                del sys.modules[name]
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def is_built(folder: Path) -> bool:
    """Tell whether every module is there for this interpreter, made from these sources."""
    note = folder / NOTE
    if not note.is_file() or not all(file.is_file() for file in _files(folder)):
        return False
    return note.read_text().split("\n")[0] == fingerprint(folder)


def note_of(sources: Path, built: Path) -> str:
    """Write the note on the modules in ``built``: the sources' fingerprint, a hash of each."""
    return "\n".join((fingerprint(sources), *map(_noted, _files(built)), ""))


def _files(folder: Path) -> list[Path]:
    return [folder / f"{name}{EXTENSION_SUFFIXES[0]}" for name in MODULES]


def _noted(file: Path) -> str:
    return f"{sha256(file.read_bytes()).hexdigest()} {file.name}"


def fingerprint(folder: Path) -> str:
    """Return what changes with any source of the compiled modules."""
    digest = sha256()
    for name in MODULES:
        for kind in (".py", ".pxd"):
            digest.update((folder / f"{name}{kind}").read_bytes())
    return digest.hexdigest()

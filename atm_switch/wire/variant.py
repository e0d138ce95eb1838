"""Which codec runs: machine code where it was built from these very sources, else Python.

Plan: compiled modules lie beside their sources, with a note of what they were made from
(``make compiled``, or a wheel built with ``ATM_SWITCH_COMPILE=1``).  Without them, with other
sources, or with ``ATM_SWITCH_PURE=1``, the folder is told to load sources only.  Both read and
write the same, so nothing else depends on it.
Limits: chosen once, when the first module of this floor is loaded.
"""

import sys
from collections.abc import Mapping
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path

MODULES = ("gate", "layout", "message", "packager", "reading", "writing")
"""What is compiled: each has a file ``.py`` that runs as it is, and its types in a ``.pxd``."""
NOTE = "compiled-from.txt"
FORCE, BUILD = "ATM_SWITCH_PURE", "ATM_SWITCH_COMPILE"
"""Environment variables that are no settings: to run Python; to compile into a wheel."""
PURE, COMPILED = "pure codec", "compiled codec"


def chosen(folder: Path, environment: Mapping[str, str]) -> str:
    """Choose for the modules of ``folder`` that are not loaded yet, and say what it is."""
    if environment.get(FORCE, "") in ("", "0") and is_built(folder):
        return COMPILED
    finder = FileFinder(str(folder), (SourceFileLoader, SOURCE_SUFFIXES))
    sys.path_importer_cache[str(folder)] = finder
    return PURE


def is_built(folder: Path) -> bool:
    """Tell whether every module is there for this interpreter, made from these sources."""
    note = folder / NOTE
    suffix = EXTENSION_SUFFIXES[0]
    if not all((folder / f"{name}{suffix}").is_file() for name in MODULES) or not note.is_file():
        return False
    return note.read_text().strip() == fingerprint(folder)


def fingerprint(folder: Path) -> str:
    """Return what changes with any source of the compiled modules."""
    digest = sha256()
    for name in MODULES:
        for kind in (".py", ".pxd"):
            digest.update((folder / f"{name}{kind}").read_bytes())
    return digest.hexdigest()

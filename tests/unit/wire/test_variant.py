"""Machine code runs where it was built from these very sources, and Python everywhere else."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

import pytest

import atm_switch.wire
from atm_switch.wire.variant import (
    COMPILED,
    MODULES,
    NOTE,
    PACKAGE,
    PURE,
    chosen,
    fingerprint,
    is_built,
    note_of,
)

SOURCES = Path(atm_switch.wire.__file__).parent


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder with all sources, something compiled for each, and the note."""
    for name in MODULES:
        for kind in (".py", ".pxd"):
            (tmp_path / f"{name}{kind}").write_bytes((SOURCES / f"{name}{kind}").read_bytes())
        (tmp_path / f"{name}{EXTENSION_SUFFIXES[0]}").write_text(f"machine code of {name}")
    (tmp_path / NOTE).write_text(note_of(tmp_path, tmp_path))
    return tmp_path


def test_what_was_built_is_chosen(built: Path) -> None:
    """And only where nobody asks for Python, for which nothing compiled is loaded."""
    loaded: list[str] = []

    assert COMPILED == chosen(built, {}, load=loaded.append)
    assert COMPILED == chosen(built, {"ATM_SWITCH_PURE": "0"}, load=loaded.append)
    assert [f"{PACKAGE}.{name}" for name in MODULES] * 2 == loaded
    assert PURE == chosen(built, {"ATM_SWITCH_PURE": "1"}, load=loaded.append)
    assert len(MODULES) * 2 == len(loaded)
    del sys.path_importer_cache[str(built)]


def test_python_runs_where_machine_code_does_not_load(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said why; nothing that was loaded before the fault stays."""
    package = "half_loaded"

    def load(name: str) -> None:
        monkeypatch.setitem(sys.modules, f"needed_by_{name}", ModuleType(name))
        if name.endswith(MODULES[-1]):
            raise OSError("wrong ELF class\nin a second line")
        monkeypatch.setitem(sys.modules, name, ModuleType(name))

    told = chosen(built, {}, package, load)

    assert told.startswith(f"{PURE}, for the compiled one does not load (OSError: wrong ELF class)")
    assert not [name for name in sys.modules if name.startswith(package)]
    assert f"needed_by_{package}.{MODULES[0]}" in sys.modules  # another package's stays
    assert sys.path_importer_cache.pop(str(built)) is not None


@pytest.mark.parametrize("kept", [0, 10])
def test_half_a_module_is_told_and_never_loaded(built: Path, kept: int) -> None:
    """One cut short could end the process by a signal, which nobody would be told of."""
    module = built / f"{MODULES[-1]}{EXTENSION_SUFFIXES[0]}"
    module.write_bytes(module.read_bytes()[:kept])
    loaded: list[str] = []

    told = chosen(built, {}, load=loaded.append)

    assert told.startswith(f"{PURE}, for the compiled one does not load ({module.name} is not ")
    assert [] == loaded
    assert sys.path_importer_cache.pop(str(built)) is not None


def test_a_note_of_before_there_were_hashes_loads_nothing(built: Path) -> None:
    """Nobody knows what those modules should be; building them anew is said to help."""
    (built / NOTE).write_text(fingerprint(built) + "\n")

    told = chosen(built, {}, load=pytest.fail)

    assert "is not what was built); make compiled builds it anew" in told
    assert sys.path_importer_cache.pop(str(built)) is not None


@pytest.mark.parametrize("kind", [".py", ".pxd"])
def test_machine_code_of_other_sources_is_passed_over(built: Path, kind: str) -> None:
    """Whoever edits a source runs what was edited, not what was compiled before."""
    with (built / f"{MODULES[0]}{kind}").open("a") as source:
        source.write("# changed\n")

    assert not is_built(built)


@pytest.mark.parametrize("missing", [NOTE, f"{MODULES[-1]}{EXTENSION_SUFFIXES[0]}"])
def test_half_a_build_is_passed_over(built: Path, missing: str) -> None:
    """All modules are compiled, or none: they look into each other."""
    (built / missing).unlink()

    assert not is_built(built)


def test_python_is_loaded_from_beside_the_machine_code(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An extension of the same name in the folder does not get in the way."""
    monkeypatch.syspath_prepend(str(built))
    (built / "gate.py").write_text("WHERE = __file__\n")

    assert PURE == chosen(built, {})
    import gate  # type: ignore[import-not-found]  # noqa: PLC0415

    assert "gate.py" == Path(gate.WHERE).name
    del sys.modules["gate"]
    del sys.path_importer_cache[str(built)]

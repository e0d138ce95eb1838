"""Whether the program's files are still those that a process of it was started from."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from atm_switch.process_place import PACKAGE, InstalledFiles
from tests.doubles.descriptors import no_descriptors


def package(site: Path) -> Path:
    """Make a small package among installed releases."""
    made = site / "program"
    (made / "inner" / "__pycache__").mkdir(parents=True)
    (made / "inner" / "module.py").write_text("one = 1\n")
    (made / "inner" / "schema.sql").write_text("SELECT 1;\n")
    (site / "library-1.0.dist-info").mkdir()
    return made


def rewrite(made: Path) -> None:
    """Put another text of the same length and time in a module's place."""
    file = made / "inner" / "module.py"
    state, fresh = file.stat(), file.with_suffix(".new")
    fresh.write_text("one = 2\n")
    os.utime(fresh, ns=(state.st_atime_ns, state.st_mtime_ns))
    fresh.replace(file)


REPLACING: tuple[Callable[[Path], object], ...] = (
    rewrite,
    lambda made: (made / "inner" / "schema.sql").write_text("SELECT 22;\n"),
    lambda made: (made / "inner" / "schema.sql").unlink(),
    lambda made: (made / "more.py").touch(),
    lambda made: (made / "inner").rename(made / "outer"),
    shutil.rmtree,
    lambda made: (made.parent / "library-1.0.dist-info").rename(made.parent / "b-2.dist-info"),
)
MERE_USE: tuple[Callable[[Path], object], ...] = (
    lambda _made: None,
    lambda made: (made / "inner" / "__pycache__" / "module.pyc").touch(),
    lambda made: (made / "__pycache__").mkdir(),
    lambda made: (made.parent / "other.txt").touch(),
)


@pytest.mark.parametrize("replace", REPLACING)
def test_replaced_file_is_seen(tmp_path: Path, replace: Callable[[Path], object]) -> None:
    """Another one, one more, one less, none at all; or another release of a library."""
    made = package(tmp_path)
    before = InstalledFiles.now(made)

    replace(made)

    assert before.are_replaced()


@pytest.mark.parametrize("use", MERE_USE)
def test_what_running_leaves_behind_is_no_replacement(
    tmp_path: Path, use: Callable[[Path], object]
) -> None:
    """Compiled modules come with the first run, and what lies beside is not the program's."""
    made = package(tmp_path)
    before = InstalledFiles.now(made)

    use(made)

    assert not before.are_replaced()


def test_what_cannot_be_looked_at_is_not_taken_for_replaced(tmp_path: Path) -> None:
    """Without a descriptor there is no second look."""
    made = package(tmp_path)
    before = InstalledFiles.now(made)
    shutil.rmtree(made)

    with no_descriptors():
        assert not before.are_replaced()


def test_own_package_is_looked_at() -> None:
    """Every module of it, and its migrations."""
    seen = {Path(name) for name, *_ in InstalledFiles.now().seen}

    assert {PACKAGE / "child.py", PACKAGE / "adapters" / "schema.py"} <= seen
    assert any(path.suffix == ".sql" for path in seen)

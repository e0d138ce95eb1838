"""The compiled codec passes the tests of the Python one, and both cost what was promised.

Compiled once, in a copy of the tree; skipped in words where that cannot be done.  Instructions
are counted, not seconds, so that a loaded machine changes nothing.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.codec import COMPILED, COUNT, GOALS, PURE
from tests.bench.instructions import environment, instructions_of, missing_for_counting
from tests.doubles.compiled import ROOT, compiled_tree, missing_for_compiling

LEAST = {goal.name: goal.least for goal in GOALS}
uncounted = pytest.mark.skipif(bool(missing_for_counting()), reason=missing_for_counting())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree with a compiled codec."""
    missing = missing_for_compiling()
    if missing:
        pytest.skip(f"{missing}: the codec is not compiled")
    return compiled_tree(tmp_path_factory.mktemp("compiled"))


def run(tree: Path, *words: str, is_pure: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run Python from the tree."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=tree,
        env=environment(tree, is_pure=is_pure),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_compiled_codec_passes_the_tests_of_the_python_one(tree: Path) -> None:
    """All of the wire's and the messages', in the copy."""
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/wire",
               "tests/unit/messages")  # fmt: skip

    assert 0 == done.returncode, done.stdout[-3000:]


@pytest.mark.parametrize("is_pure", [True, False])
def test_version_says_which_codec_runs(tree: Path, is_pure: bool) -> None:  # noqa: FBT001
    """Machine code where it is built, Python where that is asked for."""
    done = run(tree, "-m", "atm_switch", "--version", is_pure=is_pure)

    assert done.stdout.endswith(f", {PURE if is_pure else COMPILED} codec\n")


def test_compiled_codec_agrees_with_pyiso8583(tree: Path) -> None:
    """Random and mutated messages of every dialect: none is read or written otherwise."""
    done = run(tree, "-m", "tests.figures.codec_differential", "--messages", "2000")

    assert 0 == done.returncode, done.stdout
    assert "compiled codec" in done.stdout


def test_python_codec_agrees_with_pyiso8583() -> None:
    """The same of the other variant."""
    done = run(ROOT, "-m", "tests.figures.codec_differential", "--messages", "2000", is_pure=True)

    assert 0 == done.returncode, done.stdout
    assert "pure codec" in done.stdout


@uncounted
def test_python_codec_takes_an_eighth_of_the_instructions_at_most(tmp_path: Path) -> None:
    """A round trip beside pyiso8583's, in one process."""
    found = instructions_of(["ours", "pyiso8583"], ROOT, tmp_path, is_pure=True)

    assert found["pyiso8583"] / found["ours"] >= (LEAST[COUNT + PURE] or 0) >= 8


@uncounted
def test_compiled_codec_takes_a_twenty_fifth_of_the_instructions_at_most(
    tree: Path, tmp_path: Path
) -> None:
    """The same of machine code."""
    found = instructions_of(["ours", "pyiso8583"], tree, tmp_path, is_pure=False)

    assert found["pyiso8583"] / found["ours"] >= (LEAST[COUNT + COMPILED] or 0) >= 25

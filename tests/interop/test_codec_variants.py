"""The compiled codec passes the tests of the Python one, and both cost what was promised.

Compiled once, into a wheel, whose machine code a copy of the tree is given; skipped in words
where that cannot be done.  Instructions are counted, not seconds, so that a loaded machine
changes nothing.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atm_switch.wire.variant import MODULES
from tests.bench.codec import COMPILED, COUNT, GOALS, PURE
from tests.bench.instructions import environment, instructions_of, missing_for_counting
from tests.doubles.compiled import ROOT, missing_for_compiling, tree_of, wheel_in

LEAST = {goal.name: goal.least for goal in GOALS}
uncounted = pytest.mark.skipif(bool(missing_for_counting()), reason=missing_for_counting())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with a compiled codec."""
    missing = missing_for_compiling()
    if missing:
        pytest.skip(f"{missing}: the codec is not compiled")
    return wheel_in(tmp_path_factory.mktemp("wheel"), compiled=True)


@pytest.fixture(scope="module")
def tree(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree with the compiled codec of the wheel."""
    return tree_of(wheel, tmp_path_factory.mktemp("compiled"))


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


def used(wheel: Path, folder: Path) -> tuple[str, str]:
    """Install a wheel into an empty folder; return what --version and the demo print there.

    The libraries are those of this environment: nothing is fetched.
    """
    site, empty = folder / "site", folder / "empty"
    empty.mkdir()
    words = ("pip", "--disable-pip-version-check", "install", "--no-index", "--no-deps", "-q")
    said = []
    for module in ((*words, "--target", str(site), str(wheel)), ("atm_switch", "--version"),
                   ("atm_switch", "demo")):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-P", "-m", *module],
            cwd=empty,
            env=environment(site, is_pure=False),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert 0 == done.returncode, done.stderr
        said.append(done.stdout)
    return said[1], said[2]


def test_wheel_with_the_compiled_codec_works_from_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    """Installed by pip, for this interpreter and machine only, and its machine code runs."""
    told, inquired = used(wheel, tmp_path)

    assert not wheel.name.endswith("-py3-none-any.whl")
    assert told.endswith(f", {COMPILED} codec\n")
    assert "Rp" in inquired


def test_wheel_without_it_works_from_an_empty_folder(tmp_path: Path) -> None:
    """For every machine, and Python runs; this needs no compiler."""
    (tmp_path / "built").mkdir()
    wheel = wheel_in(tmp_path / "built", compiled=False)

    told, inquired = used(wheel, tmp_path)

    assert wheel.name.endswith("-py3-none-any.whl")
    assert told.endswith(f", {PURE} codec\n")
    assert "Rp" in inquired


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


@pytest.fixture(params=["zeros", "cut short"])
def spoilt(tree: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The tree, the last of its compiled modules spoilt for a while."""
    (module,) = (tree / "atm_switch" / "wire").glob(f"{MODULES[-1]}.*.so")
    whole = module.read_bytes()
    module.unlink()  # its pages may be mapped
    is_cut = request.param == "cut short"  # its head is whole, and what it tells of is not there
    module.write_bytes(whole[: len(whole) // 3] if is_cut else bytes(len(whole)))
    yield tree
    module.unlink()
    module.write_bytes(whole)


def test_spoilt_machine_code_is_passed_over_and_told(spoilt: Path) -> None:
    """Python runs in its place, and reads and writes the same; --version says why."""
    told = run(spoilt, "-m", "atm_switch", "--version").stdout
    done = run(spoilt, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/messages")

    assert "pure codec, for the compiled one does not load (" in told
    assert "is not what was built" in told
    assert 0 == done.returncode, done.stdout[-3000:]


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

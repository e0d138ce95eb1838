"""The style guide as tests: rules that no linter sees."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("atm_switch", "terminal_emulator")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
QUIET_FLOORS = ("domain", "profile", "wire", "security", "messages", "switch")

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
BANNED_NAMES = {"utils", "helpers", "common", "manager", "base", "data", "misc"}

COVERED_ELSEWHERE = {
    # claimed through the core as a whole, over tests/doubles/bench.py
    "switch/switch", "switch/doors", "switch/balance_inquiry", "switch/compose", "switch/case",
    "switch/inner_doors",
    "switch/effects", "switch/ports", "switch/policy", "switch/house", "switch/session",
    "switch/reversal", "switch/frequency", "switch/turns",
    "switch/hsm_port", "switch/keys_seen", "switch/own_echo", "switch/once",
}  # fmt: skip
"""Files without a test file of their own, because a bigger claim covers them."""

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """A path as a test id."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[FUNCTION]:
    """Every function of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, FUNCTION):
            yield node


def tracked() -> list[Path]:
    """Every file git tracks."""
    out = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_file_is_short_and_says_what_it_is(path: Path) -> None:
    """At most 300 lines, with a module docstring."""
    text = path.read_text()

    assert FILE_LINES_MAX >= text.count("\n")
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    """At most 50 lines each."""
    long = [
        node.name
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]

    assert [] == long


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_every_test_states_its_claim(path: Path) -> None:
    """A docstring each."""
    silent = [
        node.name
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]

    assert [] == silent


def test_no_file_has_a_name_that_says_nothing() -> None:
    """No utils, helpers, common, manager, base, data."""
    assert [] == [name_of(path) for path in SOURCES if path.stem in BANNED_NAMES]


@pytest.mark.parametrize("floor", QUIET_FLOORS)
def test_quiet_files_have_their_tests(floor: str) -> None:
    """Each file of a pure floor has its test file, or is listed as claimed elsewhere."""
    missing = [
        f"{floor}/{path.stem}"
        for path in (ROOT / "atm_switch" / floor).glob("[!_]*.py")
        if not (ROOT / "tests" / "unit" / floor / f"test_{path.stem}.py").is_file()
    ]

    assert [] == sorted(set(missing) - COVERED_ELSEWHERE)


def test_list_of_files_claimed_elsewhere_is_true() -> None:
    """Every file in the list exists and has no test file of its own: the list only shrinks."""
    stale = [
        name
        for name in COVERED_ELSEWHERE
        if not (ROOT / "atm_switch" / f"{name}.py").is_file()
        or (ROOT / "tests" / "unit" / Path(name).parent / f"test_{Path(name).name}.py").is_file()
    ]

    assert [] == stale


def test_nothing_tracked_names_a_machine_or_an_index() -> None:
    """No path of a machine, no address of a package index, no lock file with either."""
    homes = "home|root|work|farm"
    indexes = "|".join(("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + r"\.debian"))
    places = rf"(^|[\s\"'(=])/({homes})/[a-z]|({indexes})\.[a-z]"

    hits = [
        name_of(path)
        for path in tracked()
        if path != Path(__file__) and re.search(places, path.read_text(errors="replace"))
    ]

    assert [] == hits


def test_samples_use_the_lab_bin_only() -> None:
    """Card-like numbers that pass Luhn in code, specs and docs have BIN 999009."""
    text = "".join(
        path.read_text(errors="replace")
        for path in tracked()
        if path.is_relative_to(ROOT / "specs") or path.suffix == ".md" or path in SOURCES
    )

    cards = set(re.findall(r"(?<![0-9])[0-9]{16}(?![0-9])", text))

    assert set() == {number for number in cards if is_card(number) and number[:6] != "999009"}


def is_card(digits: str) -> bool:
    """Luhn, by another road than the product's."""
    doubled = [sum(divmod(2 * int(d), 10)) for d in digits[-2::-2]]
    return set(digits) != {"0"} and (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0

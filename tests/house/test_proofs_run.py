"""What proves the goals is run: by the Makefile's targets, and in short by ``.ci/run``."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
CI = (ROOT / ".ci" / "run").read_text()


def recipe(target: str) -> str:
    """A target's line and its commands."""
    found = re.search(rf"(?m)^{re.escape(target)}:.*\n(?:\t.*\n)*", MAKEFILE)
    assert found is not None, target
    return found[0]


@pytest.mark.parametrize("target", ["chaos", "chaos-ci", "chaos-long"])
def test_fuzzer_is_there_where_its_goal_is_run(target: str) -> None:
    """A fresh clone installs it, as a wheel or not at all, and goes on in words without one."""
    assert recipe(target).startswith(f"{target}: $(VENV)/.fuzz\n")
    stamp = recipe("$(VENV)/.fuzz")
    assert "--only-binary atheris -e '.[dev,fuzz]'" in stamp
    assert "|| echo" in stamp


@pytest.mark.parametrize("target", ["chaos-ci", "coverage", "mutants-ci", "test"])
def test_submission_is_proved(target: str) -> None:
    """What CI runs names the short forms, and the tests come last: their summary ends it."""
    commands = re.findall(r"(?m)^make (.+)$", CI)

    assert target in [one.split()[0] for one in commands]
    assert "test" == commands[-1]

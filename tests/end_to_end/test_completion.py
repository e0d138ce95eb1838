"""Completion in a real bash, and a help that imports nothing heavy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doubles.served import run

ROOT = Path(__file__).parents[2]
HEAVY = (
    "asyncio", "cryptography", "rich", "textual", "pydantic", "iso8583", "structlog", "tomllib",
)  # fmt: skip
COMPLETE = """
eval "$({name} completion bash)"
COMP_WORDS=({name} {typed}); COMP_CWORD=1
_{function}_completion {name} {typed} {name}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("module", "name", "typed", "completed"),
    [
        ("terminal_emulator", "terminal-emulator", "sc", ["scenario"]),
        ("terminal_emulator", "terminal-emulator", "sign", ["sign-on", "sign-off"]),
        ("atm_switch", "atm-switch", "jo", ["journal"]),
    ],
)
def test_bash_completes_commands(
    tmp_path: Path, module: str, name: str, typed: str, completed: list[str]
) -> None:
    """The script that is printed completes the beginning of a command."""
    program = tmp_path / name
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
    program.chmod(0o755)
    script = COMPLETE.format(name=name, typed=typed, function=name.replace("-", "_"))
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, **paths}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip

    assert completed == done.stdout.split(), done.stderr


@pytest.mark.parametrize("module", ["terminal_emulator", "atm_switch"])
@pytest.mark.parametrize("words", [["--help"], ["completion", "--help"]])
def test_help_imports_nothing_heavy(module: str, words: list[str]) -> None:
    """Whatever takes time to import is not imported for a help text."""
    program = (
        f"import sys; sys.argv = ['x', *{words!r}]\n"
        f"from {module}.cli.entry import main\n"
        "main(); print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=True
    )

    assert "Usage:" in done.stdout
    assert not set(HEAVY) & set(done.stderr.split())


@pytest.mark.parametrize("module", ["terminal_emulator", "atm_switch"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(module: str, shell: str) -> None:
    """Exit 0 and a script that names the program."""
    done = run("completion", shell, module=module)

    assert 0 == done.returncode
    assert module.replace("_", "-") in done.stdout

"""One command of ``atm-switch`` as a user types it, in a folder of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.doubles.suite_canaries import said

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 120
PROGRAM = (sys.executable, "-m", "atm_switch")


def environment() -> dict[str, str]:
    """Give the environment of a user who has set nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATM_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands in ``folder``."""

    folder: Path

    def __call__(
        self, *words: str, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            env={**environment(), **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        said(done.stdout, done.stderr)
        return done

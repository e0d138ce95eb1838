"""How often the decoder was fuzzed, over all runs, as it is now: a file that is committed.

Plan: a count for each state of the decoder, named by a digest of its sources and profiles.
Whatever changes it begins a new count, so that no total speaks of code that is gone.  A run
is added when it is over; one that was broken off between two slices has lost a minute.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.plant import REPOSITORY
from tests.figures.banner import taken_on

FILE = Path(__file__).parent / "decoder_fuzzed.json"
WORDS = ("__init__", "card", "errors", "identifiers", "mask", "member", "outcome", "value")
"""Modules of ``domain`` that the decoder and its profiles load: errors, values, words."""
SOURCES = (
    "atm_switch/wire/*.py", "atm_switch/profile/*.py", "specs/profiles/*.toml",
    "tests/chaos/fuzz_target.py", *(f"atm_switch/domain/{name}.py" for name in WORDS),
)  # fmt: skip
"""All that what the fuzzer asks runs through; what the elements mean is not of the decoder."""
JUDGE = "atm_switch/profile/judge.py"
"""Says, before any input, whether a profile is taken; the profiles themselves are counted."""


def counted(root: Path = REPOSITORY) -> list[Path]:
    """Return every file of the decoder as the fuzzer meets it."""
    found = {path for pattern in SOURCES for path in root.glob(pattern)}
    return sorted(found - {root / JUDGE})


def decoder_digest(root: Path = REPOSITORY) -> str:
    """Name the decoder as it is: its sources, its profiles and what the fuzzer asks of it."""
    digest = hashlib.sha256()
    for path in counted(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What was done with one decoder.  ``slices`` also tells each slice's seed from the next's."""

    runs: int = 0
    slices: int = 0
    seconds: int = 0
    last_on: str = ""
    """Machine, interpreter and commit of the last slice."""
    last_at: str = ""

    def and_more(self, runs: int, seconds: int) -> "Fuzzed":
        """Add a slice."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return Fuzzed(
            self.runs + runs, self.slices + 1, self.seconds + seconds, taken_on(), now
        )  # fmt: skip


def all_counts(file: Path = FILE) -> dict[str, Fuzzed]:
    """Read the counts of every decoder there was."""
    if not file.exists():
        return {}
    return {digest: Fuzzed(**told) for digest, told in json.loads(file.read_text()).items()}


def keep(digest: str, fuzzed: Fuzzed, file: Path = FILE) -> None:
    """Write one count down, whole or not at all."""
    told = {**all_counts(file), digest: fuzzed}
    spare = file.with_suffix(".part")
    spare.write_text(
        json.dumps({name: asdict(one) for name, one in sorted(told.items())}, indent=2) + "\n"
    )
    spare.replace(file)

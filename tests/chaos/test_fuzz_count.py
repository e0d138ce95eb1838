"""The count of the fuzzer: it goes on, and speaks of the decoder as it is."""

import json
import subprocess
import sys
from pathlib import Path

from tests.chaos.fuzz_count import (
    FILE,
    JUDGE,
    SOURCES,
    Fuzzed,
    all_counts,
    counted,
    decoder_digest,
    keep,
)
from tests.chaos.plant import REPOSITORY


def lay_out(root: Path) -> Path:
    """Make a file for each pattern of sources."""
    for at, pattern in enumerate(SOURCES):
        path = root / pattern.replace("*", f"file{at}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {at}\n")
    return root / SOURCES[0].replace("*", "file0")


def test_runs_are_added_and_kept(tmp_path: Path) -> None:
    """A second call finds what the first did; each decoder has its own count."""
    file = tmp_path / "fuzzed.json"
    for digest, runs in (("a", 5), ("b", 1), ("a", 7)):
        keep(digest, all_counts(file).get(digest, Fuzzed()).and_more(runs, 60), file)

    counts = all_counts(file)

    assert {"a": (12, 2, 120), "b": (1, 1, 60)} == {
        name: (one.runs, one.slices, one.seconds) for name, one in counts.items()
    }
    assert "commit" in counts["a"].last_on


def test_any_change_of_the_decoder_begins_a_new_count(tmp_path: Path) -> None:
    """A byte of a source, a name, or a file more; and nothing else does."""
    source = lay_out(tmp_path)
    digests = [decoder_digest(tmp_path), decoder_digest(tmp_path)]
    source.write_text("# another\n")
    digests.append(decoder_digest(tmp_path))
    source.rename(source.with_name("renamed.py"))
    digests.append(decoder_digest(tmp_path))
    source.write_text("# one more\n")
    digests.append(decoder_digest(tmp_path))

    assert digests[0] == digests[1]
    assert 4 == len(set(digests))


LOADED = """
import json, sys, types
from contextlib import nullcontext
sys.modules["atheris"] = types.SimpleNamespace(instrument_imports=lambda **_: nullcontext())
import tests.chaos.fuzz_target
print(json.dumps([name for name in sys.modules if name.startswith("atm_switch.")]))
"""


def test_the_digest_is_of_all_that_the_fuzzer_runs_through() -> None:
    """
    No module is loaded by it that is not counted, but for the judge of profiles; of ``domain``
    those are counted, no others.
    """
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)

    files = {_source_of(name) for name in json.loads(done.stdout)}

    whole = {path.relative_to(REPOSITORY) for path in counted()}
    assert {"wire", "profile", "domain"} == {file.parts[1] for file in files}
    assert {Path(JUDGE)} == files - whole
    assert {file for file in whole if "domain" in file.parts} <= files


def _source_of(module: str) -> Path:
    path = Path(*module.split("."))
    return path / "__init__.py" if (REPOSITORY / path).is_dir() else path.with_suffix(".py")


def test_committed_counts_can_be_read() -> None:
    """What is committed is what a run wrote: whole numbers, upwards from one slice."""
    for fuzzed in all_counts(FILE).values():
        assert fuzzed.runs > 0 < fuzzed.slices

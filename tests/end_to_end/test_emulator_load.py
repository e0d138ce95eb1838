"""``terminal-emulator load`` against a real switch, as it is called."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from terminal_emulator.load.callers import Card
from tests.doubles.served import Served, make_folder, run, serve

CARDS = [Card("9990090000000012")]


def load(served: Served, folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command against a served folder."""
    kit = folder / "terminal-kit.json"
    return run(
        "load", "--connect", served.address, "--kit", kit, *words, module="terminal_emulator"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample members."""
    return make_folder(tmp_path_factory.mktemp("load"))


def test_open_loop_asks_and_counts_every_answer(folder: Path, tmp_path: Path) -> None:
    """As many as were due are approved; every file is written; exit 0."""
    files = {name: tmp_path / name for name in ("run.json", "run.hgrm", "run.svg")}
    with serve(folder) as served:
        done = load(
            served, folder, "--rate", "40", "--for", "1", "--terminals", "6", "--links", "3",
            "--threshold", "errors<1%", "--threshold", "code:00>=100%", "--json-file",
            files["run.json"], "--hdr", files["run.hgrm"], "--svg", files["run.svg"],
        )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    told = json.loads(files["run.json"].read_text())
    assert (40, 40, {"00": 40}, {}) == tuple(
        told[name] for name in ("due", "answered", "codes", "faults")
    )
    assert "Total count" in files["run.hgrm"].read_text()
    assert files["run.svg"].read_text().startswith("<svg")
    assert not any("9990090000" in path.read_text() for path in files.values())


def test_closed_loop_and_storm_run_too(folder: Path) -> None:
    """Both end with 0 and say what they did."""
    with serve(folder) as served:
        closed = load(served, folder, "--closed", "4", "--for", "500ms", "--terminals", "4")
        storm = load(served, folder, "--terminals", "20", "--links", "20", "--storm", "2")

    assert (0, 0) == (closed.returncode, storm.returncode), closed.stderr + storm.stderr
    assert "closed loop, 4 in flight" in closed.stdout
    assert "storm 2: 20 links back and signed on, 0 not" in storm.stdout
    assert "answered 40" in storm.stdout


def test_broken_threshold_sets_the_exit_code(folder: Path) -> None:
    """Exit 1, with the promise named."""
    with serve(folder) as served:
        done = load(served, folder, "--rate", "10", "--for", "500ms", "--threshold", "p50<1us")

    assert 1 == done.returncode
    assert "thresholds broken: p50<1us" in done.stderr


def test_load_under_a_mac_is_answered_under_it(tmp_path: Path) -> None:
    """Every request signed, every answer's MAC checked: none is wrong."""
    guarded = make_folder(tmp_path, "--mac", "required")
    with serve(guarded) as served:
        done = load(served, guarded, "--rate", "20", "--for", "1", "--json")

    assert 0 == done.returncode, done.stderr
    assert ({"00": 20}, {}) == tuple(json.loads(done.stdout)[name] for name in ("codes", "faults"))


def test_interrupt_ends_it_with_the_report(folder: Path) -> None:
    """Ctrl-C: what was measured is printed, exit 130."""
    with serve(folder) as served:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "terminal_emulator", "load", "--connect", served.address,
                "--kit", str(folder / "terminal-kit.json"), "--rate", "20", "--for", "60",
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()  # the first line of progress: it is under way
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=90)

    assert 130 == process.returncode
    assert "open loop, 20/s for 60 s" in out
    assert "00 " in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--threshold", "p99"), "a threshold is written like"),
        (("--for", "soon"), "is a time like 10s"),
        (("--ramp", "5"), "is two rates like 10:500"),
        (("--cards", "nowhere.txt"), "pass --cards FILE or --pan"),
        (("--rate", "0"), "0.0 is not in the range 0<x<=1000000.0"),
        (("--pin", "12345678901234"), "must be 4 to 12 digits"),
        (("--svg", "/nowhere/run.svg"), "there is no folder /nowhere; make it first"),
    ],
)
def test_wrong_words_are_explained(words: tuple[str, str], sentence: str) -> None:
    """Before anything is sent."""
    done = run("load", *words, module="terminal_emulator")

    assert done.returncode in (1, 2)
    assert sentence in done.stderr


def test_nobody_there_is_said_in_one_sentence() -> None:
    """A port nobody listens on: exit 1 and what to do."""
    done = run(
        "load", "--connect", "127.0.0.1:1", "--pan", CARDS[0].pan, module="terminal_emulator"
    )

    assert 1 == done.returncode
    assert "atm-switch serve DIR" in done.stderr

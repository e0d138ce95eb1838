"""Scenarios against a real switch, against a host that is wrong, and the files themselves."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.doubles.served import Served, make_folder, run, serve

SUITE_LEAST, SHIPPED_LEAST = 150, 280
"""What the issue asks for, and what there is for a switch without MAC."""


def play(address: str, folder: Path | None, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run scenarios against an address."""
    kit = ("--kit", folder / "terminal-kit.json") if folder else ()
    return run(
        "scenario", "run", "--connect", address, "--timeout", "5", *kit, *words,
        module="terminal_emulator",
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample members."""
    return make_folder(tmp_path_factory.mktemp("scenario"))


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    """A switch that serves it."""
    with serve(folder) as running:
        yield running


def results_of(path: Path) -> list[dict[str, Any]]:
    """The cases of a JSON report."""
    cases: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return cases


def test_whole_suite_passes_against_the_sample(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    """At least 150 cases are played, every one as expected; only those for MACs are not."""
    reports = tmp_path / "junit.xml", tmp_path / "cases.json"

    done = play(
        served.address, folder, "--suite", "conformance", "--junit", reports[0],
        "--json-file", reports[1], "--parallel", "4",
    )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    cases = results_of(reports[1])
    assert SHIPPED_LEAST <= sum(bool(one["passed"]) for one in cases)
    assert {"not for this host: mac"} == {one["skipped"] for one in cases} - {None}
    suite = ET.parse(reports[0]).getroot()  # noqa: S314 - our own
    assert (str(len(cases)), "0") == (suite.get("tests"), suite.get("failures"))


def test_suite_passes_where_macs_are_required(tmp_path: Path) -> None:
    """The cases for MACs are played, those that forge messages are not."""
    guarded = make_folder(tmp_path, "--mac", "required")
    with serve(guarded) as running:
        done = play(
            running.address, guarded, "--suite", "conformance", "--json-file", tmp_path / "out",
            "--parallel", "4", "--skip", "slow",
        )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    cases = results_of(tmp_path / "out")
    assert 18 <= sum("mac" in set(one["tags"]) and bool(one["passed"]) for one in cases)
    reasons = {f"not for this host: {tag}" for tag in ("no-mac", "slow")}
    assert reasons == {one["skipped"] for one in cases} - {None}


def test_host_that_answers_all_alike_fails_most_cases(tmp_path: Path) -> None:
    """A host that says 00 to everything is found out; every failure says expected and got."""
    program = [sys.executable, "-m", "tests.doubles.trivial_host"]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as host:
        assert host.stdout is not None
        assert host.stdin is not None
        address = f"127.0.0.1:{host.stdout.readline().strip()}"
        made = make_folder(tmp_path)
        done = play(
            address, made, "--suite", "conformance", "--tag", "format", "--tag", "cards",
            "--parallel", "8", "--json-file", tmp_path / "out",
        )  # fmt: skip
        host.stdin.close()

    assert 1 == done.returncode
    cases = results_of(tmp_path / "out")
    failed = [one for one in cases if not one["passed"] and not one["skipped"]]
    assert len(failed) > 0.6 * len(cases)
    assert "DE039: expected 62 (card_blocked), got 00" in done.stdout
    assert "9990090000000012" not in done.stdout


def test_cases_are_chosen_by_tag_and_name(served: Served, folder: Path) -> None:
    """Only those asked for are played; none left is an error."""
    tagged = play(served.address, folder, "--suite", "conformance", "--tag", "pin")
    named = play(served.address, folder, "--suite", "conformance", "--name", "slip of 38")
    none = play(served.address, folder, "--suite", "conformance", "--tag", "nosuch")

    assert 0 == tagged.returncode, tagged.stdout
    assert "1 passed, 0 failed, 0 skipped" in named.stdout
    assert (1, True) == (none.returncode, "no case is left to play" in none.stderr)


def test_example_is_played_as_it_is_printed(served: Served, folder: Path, tmp_path: Path) -> None:
    """What ``scenario example`` prints runs, and every key in it is explained."""
    printed = run("scenario", "example", module="terminal_emulator").stdout
    (tmp_path / "mine.toml").write_text(printed)

    done = play(served.address, folder, tmp_path / "mine.toml")

    assert 0 == done.returncode, done.stdout
    assert "3 passed" in done.stdout


def test_same_seed_draws_the_same_digits(served: Served, folder: Path, tmp_path: Path) -> None:
    """Random values come again under the seed that was printed."""
    (tmp_path / "drawn.toml").write_text(
        '[[case]]\nname = "drawn ${digits:8}"\n[[case.step]]\ndo = "echo"\n'
    )

    runs = [
        play(served.address, folder, tmp_path / "drawn.toml", "--seed", seed).stdout.split()[2]
        for seed in ("7", "7", "8")
    ]

    assert runs[0] == runs[1] != runs[2]


def test_target_file_stands_for_somebody_elses_host(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    """Its cards, its codes and what it is not to be asked."""
    (tmp_path / "theirs.toml").write_text(
        'without = ["kpj"]\n[codes]\n"62" = "05"\n'
        '[cards.approved]\npan = "9990090000000046"\npin = "456789"\n'
        '[cards.blocked]\npan = "9990090000000061"\npin = "678901"\n'
    )
    (tmp_path / "two.toml").write_text(
        '[[case]]\nname = "card"\n[[case.step]]\ndo = "inquire"\nexpect = { code = "00" }\n'
        '[[case]]\nname = "code"\n[[case.step]]\ndo = "inquire"\ncard = "blocked"\n'
        'expect = { outcome = "card_blocked" }\n'
        '[[case]]\nname = "kpj"\ntags = ["kpj"]\n[[case.step]]\ndo = "inquire"\n'
    )

    done = play(served.address, folder, tmp_path / "two.toml", "--target", tmp_path / "theirs.toml")

    assert "1 passed, 1 failed, 1 skipped" in done.stdout
    assert "DE039: expected 05 (card_blocked), got 62" in done.stdout


def test_list_tells_what_each_case_proves() -> None:
    """No host is needed; as many lines as cases, each name once."""
    done = run("scenario", "list", "--suite", "conformance", module="terminal_emulator")

    names = [line.split("  [")[0] for line in done.stdout.splitlines()]
    assert 0 == done.returncode
    assert SUITE_LEAST <= len(names) == len(set(names))


def test_check_counts_cases_and_names_mistakes(tmp_path: Path) -> None:
    """A table of three stands for three cases; a mistake is file, case, step, key; exit 1."""
    (tmp_path / "mine.toml").write_text(
        '[[case]]\nname = "code ${code}"\neach = [{ code = "1" }, { code = "2" }, { code = "3" }]\n'
        '[[case.step]]\ndo = "network"\ncode = "${code}"\n'
    )
    (tmp_path / "wrong.toml").write_text('[[case]]\nname = "x"\n[[case.step]]\ndo = "dance"\n')

    fine = run("scenario", "check", tmp_path / "mine.toml", module="terminal_emulator")
    wrong = run("scenario", "check", tmp_path / "wrong.toml", module="terminal_emulator")

    assert (0, "3 cases, well formed\n") == (fine.returncode, fine.stdout)
    assert 1 == wrong.returncode
    assert "wrong.toml: case 1 'x', step 1: do is one of inquire" in wrong.stderr


def test_absent_host_is_one_sentence(folder: Path) -> None:
    """Not the same failure three hundred times: no case is played, exit 1."""
    done = play("127.0.0.1:1", folder, "--suite", "conformance", "--parallel", "4")

    assert (1, "FAIL" in done.stdout) == (done.returncode, False)
    assert "nobody listens at 127.0.0.1:1; start the switch with" in done.stderr


def test_wrong_words_are_told_what_to_do(folder: Path) -> None:
    """A file that is not there, and the option that prints taken for the one that writes."""
    away = play("127.0.0.1:1", folder, "nowhere.toml")
    printed = play("127.0.0.1:1", folder, "--json", "out.json")

    assert "No such file or directory; one to begin from: terminal-emulator" in away.stderr
    assert (2, True) == (printed.returncode, "pass --json-file FILE" in printed.stderr)


def test_cases_without_their_card_are_skipped(served: Served, folder: Path, tmp_path: Path) -> None:
    """A host of whom one card is known is asked the rest; one of whom nothing is, nothing."""
    (tmp_path / "one.toml").write_text(
        '[cards.approved]\npan = "9990090000000012"\npin = "123456"\n'
    )
    (tmp_path / "none.toml").write_text("")
    asked = ("--suite", "conformance", "--tag", "cards")

    one = play(served.address, folder, *asked, "--target", tmp_path / "one.toml")
    none = play(served.address, folder, *asked, "--target", tmp_path / "none.toml")

    assert 0 == one.returncode, one.stdout
    assert "skip  card bpu is approved" in one.stdout
    assert "not for this host: card.bpu" in one.stdout
    assert (1, True) == (none.returncode, "no case could be played" in none.stderr)


def test_host_is_watched_where_nothing_is_expected(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    """What it did with noise, a lying length and a late reader is told, in words and in JSON."""
    (tmp_path / "watch.toml").write_text(
        '[[case]]\nname = "watch"\nsign_on = false\n'
        '[[case.step]]\ndo = "echo"\ntimes = 3\nlate = 0.1\nseconds = 2.0\n'
        '[[case.step]]\ndo = "raw"\ngarbage = 64\nframed = true\nseconds = 0.1\n'
        '[[case.step]]\ndo = "raw"\nsays = 65535\nseconds = 5.0\n'
    )

    done = play(
        served.address, folder, tmp_path / "watch.toml", "--verbose", "--json-file",
        tmp_path / "out",
    )  # fmt: skip

    first, second, third = (one["host"] for one in results_of(tmp_path / "out")[0]["steps"])
    assert 0 == done.returncode, done.stderr
    answered = re.match(r"answered 0810 00 \(approved\), 3 times, after ([0-9.]+) to", first[0])
    assert answered is not None
    assert float(answered[1]) >= 100.0
    assert [True, "kept the link"] == [second[0].startswith("was silent for"), second[1]]
    assert third[0].startswith("has its link closed by the host after")
    assert "      3 raw: has its link closed by the host after" in done.stdout


def test_run_can_be_repeated_and_tags_left_out(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    """Every case so often, each time as new requests."""
    (tmp_path / "two.toml").write_text(
        '[[case]]\nname = "one"\n[[case.step]]\ndo = "inquire"\nexpect = { code = "00" }\n'
        '[[case]]\nname = "two"\ntags = ["odd"]\n[[case.step]]\ndo = "echo"\n'
    )

    done = play(served.address, folder, tmp_path / "two.toml", "--repeat", "3", "--skip", "odd")

    assert "3 passed, 0 failed, 3 skipped" in done.stdout


def test_ctrl_c_tells_what_was_played(served: Served, folder: Path, tmp_path: Path) -> None:
    """The cases so far and their summary; exit 130."""
    (tmp_path / "long.toml").write_text(
        '[[case]]\nname = "short"\n[[case.step]]\ndo = "echo"\n'
        '[[case]]\nname = "long"\n[[case.step]]\ndo = "wait"\nseconds = 60\n'
    )
    program = [
        sys.executable, "-m", "terminal_emulator", "scenario", "run", str(tmp_path / "long.toml"),
        "--connect", served.address, "--kit", str(folder / "terminal-kit.json"),
    ]  # fmt: skip
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=90)

    assert first.startswith("ok    short")
    assert "1 passed, 0 failed, 0 skipped" in out
    assert (130, "interrupted after 1 of 2 cases\n") == (running.returncode, err)


def test_spoilt_mac_without_a_key_is_no_spoilt_mac(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    """The kit of a line without MACs cannot send a wrong one: the case fails and says why."""
    (tmp_path / "mac.toml").write_text(
        '[[case]]\nname = "x"\n[[case.step]]\ndo = "inquire"\nmac = "wrong"\n'
        'expect = { code = "00" }\n'
    )

    done = play(served.address, folder, tmp_path / "mac.toml")

    assert 1 == done.returncode
    assert "the kit has no MAC key" in done.stdout + done.stderr

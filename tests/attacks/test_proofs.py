"""The proofs themselves: each is there, can fail, and says where its figure was taken.

Their short forms run in ``make chaos``; here are the parts of them that decide.
"""

import asyncio
import importlib
import json
import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.chaos.__main__ import AMONG_TESTS, GOALS, IN_CI, run_all
from tests.chaos.honest import Answer, Script, Tally
from tests.chaos.keyed import KeyedLink, Pace
from tests.chaos.ledger_away import Outage
from tests.chaos.loop_late import between, milliseconds
from tests.chaos.neighbour_faults import WAYS, Way, compare, play
from tests.chaos.proof import Found, Goal, Outcome, Trial, skipped, tried
from tests.chaos.replayed import another_content
from tests.chaos.split_and_joined import Count, one_profile
from tests.chaos.synced_first import Watch, follow
from tests.doubles.bench import Bench
from tests.figures.mutants import is_refuted

WROTE = '7 pwrite64(9</d/journal.db-wal>, "..R00000000001..", 4096, 0) = 4096\n'
SYNCED = "7 fdatasync(9</d/journal.db-wal>) = 0\n"
SENT = '8 write(5<TCP:[127.0.0.1:1->127.0.0.1:2]>, "\\0\\20210..R00000000001..", 900) = 900\n'
ASKED = '8 sendto(6<UNIX-STREAM:[4->5]>, "..R00000000001..", 700, 0, NULL, 0) = 700\n'
"""What a switch tells the process that writes its journal, before the row is there."""
BEGAN = "7 fdatasync(9</d/journal.db-wal> <unfinished ...>\n"
ENDED = "7 <... fdatasync resumed>) = 0\n"


@pytest.mark.parametrize("name", GOALS)
def test_each_goal_is_a_command_with_a_number(name: str) -> None:
    """Every name of the table has a module whose goal says what is wanted."""
    goal = importlib.import_module(f"tests.chaos.{name}").GOAL

    assert isinstance(goal, Goal)
    assert goal.number.startswith("G")
    assert goal.wanted


@pytest.mark.parametrize(
    ("lines", "early"),
    [
        ([WROTE, SYNCED, SENT], 0),
        ([ASKED, WROTE, SYNCED, SENT], 0),
        ([WROTE, BEGAN, ENDED, SENT], 0),
        ([WROTE, SENT, SYNCED], 1),
        ([WROTE, BEGAN, SENT, ENDED], 1),
        ([BEGAN, WROTE, ENDED, SENT], 1),
        ([WROTE, SYNCED.replace("= 0", "= -1 EIO"), SENT], 1),
    ],
)
def test_answer_before_its_sync_is_seen(lines: list[str], early: int) -> None:
    """Only a sync that began behind the write and has returned well covers an answer."""
    watch = Watch()

    follow(lines, watch)

    assert early == len(watch.early)
    assert {"R00000000001"} == watch.answered


def test_figure_is_kept_with_its_place(tmp_path: Path) -> None:
    """A goal missed is said in the result, with seed, form and where it was taken."""
    goal = Goal("G0", "nothing", "something", lambda _: Found("nothing", is_held=False))

    tried(goal, is_long=True, seed=7).save(tmp_path / "kept.json")

    kept = json.loads((tmp_path / "kept.json").read_text())
    assert ("MISSED", 7, "long") == (kept["verdict"], kept["seed"], kept["form"])
    assert "commit" in kept["taken_on"]


@pytest.mark.parametrize(("is_timed", "verdict"), [(True, "MISSED"), (False, "held")])
def test_time_is_judged_where_it_says_something(verdict: str, *, is_timed: bool) -> None:
    """Beside others a goal may take long; what it counts is judged all the same."""
    slow = Goal("G0", "", "", lambda trial: Found("9 s", is_held=trial.in_time(was=False)))
    wrong = Goal("G0", "", "", lambda _: Found("1 lost", is_held=False))

    outcome = tried(slow, is_long=False, seed=1, is_timed=is_timed)

    assert verdict == outcome.verdict
    assert is_timed != ("untimed" in outcome.form)
    assert "MISSED" == tried(wrong, is_long=False, seed=1, is_timed=is_timed).verdict


def test_every_goal_runs_on_every_submission() -> None:
    """What the proofs' short forms leave out there is, in short, among the tests."""
    root = Path(__file__).parents[2]

    assert set(GOALS) == {*IN_CI, *AMONG_TESTS}
    assert all((root / path).is_file() for path in AMONG_TESTS.values())


def test_small_counts_are_for_where_no_time_is_judged(tmp_path: Path) -> None:
    """A form that judges by time keeps its counts, and so does one that has no small count."""
    short, long = (Trial(is_long, 1, tmp_path) for is_long in (False, True))
    untimed = Trial(is_long=False, seed=1, root=tmp_path, is_timed=False)

    assert [8, 500, 3] == [one.size(8, 500, 3) for one in (short, long, untimed)]
    assert 8 == untimed.size(8, 500)


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_goal_tried_is_a_line_of_the_table(jobs: int) -> None:
    """However many are at work at once, each has its outcome, and one alone keeps the order."""
    told = list(run_all(["a", "b", "c"], jobs, lambda name: {"what": name}))

    assert ["a", "b", "c"] == sorted(one["what"] for one in told)
    assert jobs > 1 or ["a", "b", "c"] == [one["what"] for one in told]


def test_what_cannot_be_had_is_skipped_in_words() -> None:
    """A skip is no goal held, and says why."""
    goal = Goal("G0", "nothing", "something", lambda _: skipped("no such tool"))

    outcome: Outcome = tried(goal, is_long=False, seed=1)

    assert ("skipped", "no such tool") == (outcome.verdict, outcome.got)


def test_what_is_skipped_in_part_is_held_in_part() -> None:
    """What was not measured is not held; what was measured and wrong is missed all the same."""
    held = Found("half; half skipped", is_held=True, is_whole=False)
    missed = Found("1 lost; half skipped", is_held=False, is_whole=False)

    assert ["held in part", "MISSED"] == [held.verdict, missed.verdict]


def test_trial_has_a_folder_of_its_own_that_goes() -> None:
    """The folder is there while measuring and gone afterwards."""
    seen: list[Path] = []

    def measure(trial: Trial) -> Found:
        seen.append(trial.root)
        return Found("", is_held=trial.root.is_dir())

    assert "held" == tried(Goal("G0", "", "", measure), is_long=False, seed=1).verdict
    assert not seen[0].exists()


def test_frames_split_and_joined_in_small() -> None:
    """Cut here and there, and one to sixty-four in one write: the replies are the same bytes."""
    count = Count()

    asyncio.run(one_profile("bpjstk-jht-v1-bcd", count, step=41))

    assert ([], 64) == (count.wrong, min(count.joins, 64))
    assert count.cuts > 30


@pytest.mark.parametrize("way", WAYS)
def test_faults_of_neighbours_in_small(way: Way) -> None:
    """Some calls fail, each in its way: one answer each, and nothing approved without a row."""
    well = play(-1, way)
    hit = set()
    for fails_at in range(3, well.calls, 40):
        played = play(fails_at, way)
        compare(played, well)
        hit.add(played.hit)
        assert [] == played.wrong, fails_at

    assert len(hit) > 1


def test_outage_tells_inside_from_behind() -> None:
    """An answer counts where its request was made; the return is the first good one behind."""
    tally = Tally()
    for at, code in ((9.0, "00"), (11.0, "91"), (15.0, "91"), (21.0, "91"), (21.5, "00")):
        tally.take(Answer("r", code, b"", 0.25, at))
    outage = Outage(tally, began=10.0, ended=20.0)

    assert {"91": 2} == dict(outage.inside.codes)
    assert {"91": 1} == dict(outage.settled().codes)
    assert 1.75 == outage.back_after


def test_late_tick_counts_in_its_span_and_by_its_bucket() -> None:
    """What came before the load is not of it; a share is at most as late as its bucket ends."""
    before = {0.02: 10, 0.1: 10, math.inf: 11}
    after = {0.02: 109, 0.1: 110, math.inf: 111}
    ticks = between(before, after)

    assert {0.02: 99, 0.1: 100, math.inf: 100} == ticks
    assert (20.0, 100.0) == (milliseconds(ticks, 0.99), milliseconds(ticks, 0.999))


@pytest.mark.parametrize("at", range(6))
def test_another_content_keeps_its_key(at: int) -> None:
    """What is said again with another content differs where no key is, and in one element."""
    asked = Bench().inquiry().with_element(48, "JHTBAL0000000000000000000000000000ID0040")
    other = another_content(asked, at)

    changed = {n for n in asked.elements if asked[n] != other[n]}
    assert changed in ({2}, {48})


def test_key_is_changed_once_its_last_was_used_and_the_eldest_is_answered() -> None:
    """Else a request in flight, or the switch, could be left without a key in common."""
    link = KeyedLink(cast("Script", SimpleNamespace(profile=Bench().dialect.profile)))
    pace = Pace([link])
    began = time.monotonic()
    unused = pace._may_change("mac_key")
    link.heard_of = began
    used = pace._may_change("mac_key")
    for at in range(4):
        pace._changed_at["mac_key"].append(began + at)
    link.heard_of = began + 4
    link.waiting["of long ago"] = (cast("asyncio.Future[Answer]", None), began - 1)

    assert [False, True] == [unused, used]
    assert not pace._may_change("mac_key")
    link.waiting.clear()
    assert pace._may_change("mac_key")


@pytest.mark.parametrize(
    ("killed", "tried", "is_so"),
    [(8, 8, False), (5, 8, False), (3, 8, True), (34, 40, False), (28, 40, True), (0, 0, False)],
)
def test_small_sample_refutes_only_what_it_can(killed: int, tried: int, *, is_so: bool) -> None:
    """Nine in ten may be seven in eight of a few; so few that it is not one in a thousand fails."""
    assert is_so is is_refuted(killed, tried)

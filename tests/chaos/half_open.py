"""G20: peers whose line goes dead without a word; the switch finds out and lets them go.

    python -m tests.chaos.half_open [--long] [--seed S]

Plan: a network namespace of its own with a pair of virtual cables; terminals sign on from
inside it, then the cable is pulled (link down), so that no FIN and no RST ever comes.  The
switch must notice by its own echoes; the long form leaves their settings at the defaults.
Limit: namespaces need root and ``ip``; without them, said in words.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.plant import REPOSITORY, Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove, skipped

NEAR, FAR = "10.231.77.1", "10.231.77.2"
"""Addresses of the two ends; nothing else of this machine is in their net."""
DETECTED_SECONDS_MAX = 60.0
PATIENCE = 120.0
QUICK = "[limits]\necho_idle_seconds = 4\necho_answer_seconds = 4\n"
MANY = "[limits]\nconnections_max = 5000\nconnections_per_peer_max = 5000\n"


def ip(*words: str) -> None:
    """Run ``ip``.  Raises ``CalledProcessError``."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def cable() -> Iterator[tuple[str, str]]:
    """Lay a cable into a namespace; return the namespace and the near end."""
    space, near, far = (f"{name}{os.getpid() % 100_000}" for name in ("chaos", "cn", "cf"))
    ip("netns", "add", space)
    try:
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
        ip("addr", "add", f"{NEAR}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", space, "addr", "add", f"{FAR}/30", "dev", far)
        ip("-n", space, "link", "set", far, "up")
        yield space, near
    finally:
        ip("netns", "del", space)


def count_lost(plant: Plant, count: int) -> float:
    """Wait until all links are given up; return the seconds that took."""
    began = time.monotonic()
    while plant.logged('"event": "link closed"') < count:
        if time.monotonic() > began + PATIENCE:
            return float("inf")
        time.sleep(0.1)
    return time.monotonic() - began


def pull(plant: Plant, space: str, near: str, count: int) -> tuple[float, int]:
    """Connect from the namespace, pull the cable; return how long it took to be noticed."""
    before, tasks = plant.descriptors, plant.tasks
    command = ["ip", "netns", "exec", space, sys.executable, "-m", "tests.chaos.quiet_peers"]
    command += [str(plant.port), str(count), "--sign-on", "--host", NEAR]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as peers:
        assert peers.stdout is not None
        if peers.stdout.readline() != "ready\n":
            raise RuntimeError("the peers did not connect")
        ip("link", "set", near, "down")
        seconds = count_lost(plant, count)
        peers.kill()
    return seconds, plant.descriptors_left(before) + plant.tasks_left(tasks)


def measure(trial: Trial) -> Found:
    """Pull the cable of many at once."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return skipped("a network namespace needs root and ip (apt-get install iproute2)")
    count = trial.size(50, 1_000)
    settings = MANY if trial.is_long else QUICK
    plant = set_up(
        trial.root,
        "--pin",
        "acquirer",
        "--listen",
        f"{NEAR}:0",
        settings=settings,
        is_patient=not trial.is_timed,
    )
    try:
        with cable() as (space, near), running(plant):
            seconds, left = pull(plant, space, near, count)
            plant.stop()
    except subprocess.CalledProcessError as refused:
        return skipped(f"no network namespace may be made here: {refused.stderr!r:.80}")
    how = "default settings" if trial.is_long else "echo after 4 s, 4 s to answer"
    got = (
        f"{count:,} dead links ({how}): all let go after {seconds:.1f} s, "
        f"{left} descriptors or tasks left"
    )
    return Found(got, is_held=seconds < DETECTED_SECONDS_MAX and left == 0)


GOAL = Goal("G20", "half-open links", "noticed within 60 s, nothing left of them", measure)

if __name__ == "__main__":
    prove(GOAL)

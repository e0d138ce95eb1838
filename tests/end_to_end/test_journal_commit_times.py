"""What the journal's commits took is on /metrics, whoever makes them."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.doubles.machines import set_in, two_machines
from tests.doubles.served import make_folder
from tests.doubles.workers import PIN, Workers, asked, running, wait_for, with_workers
from tests.end_to_end.test_workers_without_room import shown

if TYPE_CHECKING:
    from tests.doubles.postgres import PostgresServer

NAME = "atm_switch_journal_commit_seconds"
INQUIRIES = 5


def counted(switch: Workers) -> dict[str, float]:
    """Read the histogram, the samples of all workers added up."""
    sums: dict[str, float] = {}
    for sample, value in shown(switch.served).items():
        if sample.startswith(NAME):
            plain = re.sub(r',?worker="\d",?', "", sample).replace("{}", "")
            sums[plain.removeprefix(NAME)] = sums.get(plain.removeprefix(NAME), 0.0) + value
    return sums


@pytest.mark.parametrize("writes", ["thread", "process", "workers", "postgres"])
def test_commits_are_counted_and_timed(
    tmp_path: Path, writes: str, request: pytest.FixtureRequest
) -> None:
    """
    Some inquiries, each after the one before it, are as many commits more at least; all took some
    time and, together, no more than there was.
    """
    folder = make_folder(tmp_path, "--pin", "acquirer")
    if writes == "workers":
        with_workers(folder, 2)
    elif writes == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        folder, _ = two_machines(tmp_path / "machines", server.empty(), "--pin", "acquirer")
    else:
        set_in(folder, "journal", writer=writes)
    set_in(folder, "metrics", listen="127.0.0.1:0")
    began = time.monotonic()
    with running(folder) as switch:
        switch.served.wait_for("metrics served")
        with switch.talk() as talk:
            before = counted(switch)
            codes = [asked(talk, at, PIN) for at in range(INQUIRIES)]
            wait_for(lambda: counted(switch)["_count"] >= before["_count"] + INQUIRIES)
            after = counted(switch)
    lasted = time.monotonic() - began

    assert ["00"] * INQUIRIES == codes
    assert after["_count"] == after['_bucket{le="+Inf"}']
    assert before["_sum"] < after["_sum"] < lasted
    assert after['_bucket{le="0.00025"}'] <= after['_bucket{le="10.0"}'] <= after["_count"]

"""The demo that stays has a broker of its own, and says how to hear what happens."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.doubles.brokers import Subscriber
from tests.doubles.served import SECONDS, run


def said_until(process: subprocess.Popen[str], words: str) -> str:
    """Read what is printed until a line has these words."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_demo_that_stays_tells_its_events(tmp_path: Path) -> None:
    """
    Its inquiry can be seen in the outbox by the command it prints, its terminal's status at
    the embedded broker; Ctrl-C stops both.
    """
    environment = {**os.environ, "TMPDIR": str(tmp_path), "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "atm_switch", "demo", "--stay"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        said = said_until(process, "Ctrl-C stops it")
        (port,) = re.findall(r"events go to mqtt://127\.0\.0\.1:([0-9]+):", said)
        (folder,) = re.findall(r"events tail --follow (\S+)", said)
        with Subscriber(int(port), "atm/009/#") as subscriber:
            # the inquiry itself may still be on its way to the broker, and is heard then; a
            # status that comes amid the subscription is told twice: as it is, and retained
            heard = subscriber.wait(lambda heard: any("status" in one.told for one in heard))
        tail = run("events", "tail", folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)

    states = {one.event_id: one.told["status"]["state"] for one in heard if "status" in one.told}
    assert ["active"] == list(states.values())
    assert "00  approved  999009******0012  *******8901" in tail.stdout
    assert 0 == process.returncode

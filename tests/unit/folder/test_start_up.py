"""Claims about what a start takes from the system."""

import json
import socket
import subprocess
import sys

import pytest

from atm_switch.start_up import plain_words

PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
from atm_switch.settings.model import Settings
from atm_switch.settings.sections import Limits
from atm_switch.server.log import make_logger
from atm_switch.start_up import DESCRIPTORS_KEPT, server_limits, tell_of_bound
log = make_logger("json", "info")
settings = [Settings(limits=Limits(connections_max=count)) for count in (5000, 3)]
many, few = (server_limits(one).connections_max for one in settings)
for one in settings:
    tell_of_bound(one, log)
print(many + DESCRIPTORS_KEPT, few, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_connections_stay_below_the_descriptors_of_the_process() -> None:
    """
    The soft limit is raised to the hard one; connections leave room for all else, and where that
    is less than was set the log says so.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )

    assert ["200", "3", "200"] == done.stdout.split(), done.stderr
    (said,) = map(json.loads, done.stderr.splitlines())
    assert ("fewer connections than set", 5000, 5000, 136) == (
        said["event"],
        said["connections_max"],
        said["share_of_worker"],
        said["room_for"],
    )
    assert "a process may open 200 descriptors" in said["why"]


def test_error_without_a_number_is_told_in_its_words() -> None:
    """
    A path too long for a socket has no number of the system, and says what is wrong all the same.
    """
    with (
        socket.socket(socket.AF_UNIX) as listener,
        pytest.raises(OSError, match="too long") as refused,
    ):
        listener.bind("/tmp/" + 200 * "x")  # noqa: S108

    assert "AF_UNIX path too long" == plain_words(refused.value)

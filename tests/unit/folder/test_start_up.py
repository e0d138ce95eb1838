"""Claims about what a start takes from the system."""

import subprocess
import sys

PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
from atm_switch.settings.model import Settings
from atm_switch.settings.sections import Limits
from atm_switch.start_up import DESCRIPTORS_KEPT, server_limits
many = server_limits(Settings(limits=Limits(connections_max=5000))).connections_max
few = server_limits(Settings(limits=Limits(connections_max=3))).connections_max
print(many + DESCRIPTORS_KEPT, few, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_connections_stay_below_the_descriptors_of_the_process() -> None:
    """The soft limit is raised to the hard one; connections leave room for all else."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )

    assert ["200", "3", "200"] == done.stdout.split(), done.stderr

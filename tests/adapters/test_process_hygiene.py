"""What a process does to itself: giving way to others."""

import subprocess
import sys

from atm_switch.adapters.process_hygiene import GIVING_WAY

PROGRAM = """
import os
from atm_switch.adapters.process_hygiene import give_way
before = os.nice(0)
give_way()
print(before, os.nice(0))
"""


def test_long_work_gives_way() -> None:
    """
    The process goes ten steps down, or as far as there are steps.
    """
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True).stdout

    before, after = map(int, told.split())
    assert min(before + GIVING_WAY, 19) == after

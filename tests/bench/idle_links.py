"""Links that sign on and then say nothing, until standard input ends.

python -m tests.bench.idle_links PORT KIT COUNT
"""

import asyncio
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from atm_switch.profile.load import load_profile
from terminal_emulator.address import Address
from terminal_emulator.kit import read_kit
from terminal_emulator.load.callers import Card, callers_of
from terminal_emulator.load.run import Load, Target


async def hold(port: int, kit: Path, count: int) -> None:
    """Open the links, say so, and wait."""
    profile = load_profile("bpjstk-jht-v1")
    cards = [Card("9990090000000012")]
    callers = callers_of([read_kit(kit)], cards, 1, profile, datetime.now(UTC))
    target = Target(address=Address("127.0.0.1", port), profile=profile)
    load = Load(target, callers, count, random.Random(1))  # noqa: S311 - STANs, not keys
    await load.open()
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(hold(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))

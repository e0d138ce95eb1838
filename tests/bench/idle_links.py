"""Links that sign on and then say nothing, until standard input ends.

python -m tests.bench.idle_links PORT KIT COUNT [CA CERTIFICATE KEY]   the files for TLS
"""

import asyncio
import random
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

from atm_switch.profile.load import load_profile
from terminal_emulator.address import Address
from terminal_emulator.kit import read_kit
from terminal_emulator.load.callers import Card, callers_of
from terminal_emulator.load.run import Load, Target


async def hold(port: int, kit: Path, count: int, tls: ssl.SSLContext | None) -> None:
    """Open the links, say so, and wait."""
    profile = load_profile("bpjstk-jht-v1")
    cards = [Card("9990090000000012")]
    callers = callers_of([read_kit(kit)], cards, 1, profile, datetime.now(UTC))
    target = Target(address=Address("127.0.0.1", port), profile=profile, tls=tls)
    load = Load(target, callers, count, random.Random(1))  # noqa: S311 - STANs, not keys
    await load.open()
    sys.stdout.write("open\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


def context(ca: str, certificate: str, key: str) -> ssl.SSLContext:
    """Believe a CA, and show a certificate."""
    made = ssl.create_default_context(cafile=ca)
    made.load_cert_chain(certificate, key)
    return made


if __name__ == "__main__":
    port, kit, count, *files = sys.argv[1:]
    asyncio.run(hold(int(port), Path(kit), int(count), context(*files) if files else None))

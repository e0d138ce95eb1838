"""G19: peers that ask and never read their answers; the switch lets go, others notice nothing.

    python -m tests.chaos.slow_readers [--long] [--seed S]

Plan: with small socket buffers, so that the kernel hides little, each slow reader asks more
than any buffer holds.  The switch must hang up on each at the answer that no longer fits
``write_buffer_bytes_max``, which some 1,400 KiB in the kernel's buffers go before.
"""

import asyncio
import socket
import time

from tests.chaos.honest import Honest, Script, Tally, paced
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

SLOW_SHORT, SLOW_LONG = 3, 30
BUFFER_BYTES = 262_144
LINKS, RATE = 5, 10.0
BURST = 8
PATIENCE = 60.0
OVERHEAD = 2.0
"""What one byte in a buffer may cost in resident memory, Python's objects counted."""
SETTINGS = "[limits]\necho_idle_seconds = 0\n"


async def never_reads(script: Script, port: int) -> float:
    """Ask until the switch hangs up; return the seconds that took."""
    loop = asyncio.get_running_loop()
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)  # noqa: FBT003 - the socket's own word
        await loop.sock_connect(one, ("127.0.0.1", port))
        await loop.sock_sendall(one, script.framed(script.network("001")))
        # One inquiry, repeated: its stored answer costs little and is as long as any.
        burst = BURST * script.framed(script.inquiry())
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await loop.sock_sendall(one, burst)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return float("inf")
        except OSError:
            return time.monotonic() - began


async def beside(plant: Plant, script: Script, slow: int) -> tuple[list[float], Tally, int]:
    """Have honest terminals ask beside the slow ones; watch the memory."""
    links = [await Honest.open(script, plant.port) for _ in range(LINKS)]
    tally, peak = Tally(), plant.resident_kib
    reading = asyncio.gather(*(never_reads(script, plant.port) for _ in range(slow)))
    while not reading.done():
        round_of = Tally()
        await asyncio.gather(*(paced(link, round_of, RATE, 0.5) for link in links))
        for told in round_of.answers:
            tally.take(told)
        tally.hung_up += round_of.hung_up
        peak = max(peak, plant.resident_kib)
    for link in links:
        link.close()
    return reading.result(), tally, peak


def measure(trial: Trial) -> Found:
    """So many at once."""
    slow = trial.size(SLOW_SHORT, SLOW_LONG)
    plant = set_up(trial.root, "--pin", "acquirer", settings=SETTINGS)
    with running(plant):
        script = Script(plant.folder)
        before = plant.resident_kib
        seconds, tally, peak = asyncio.run(beside(plant, script, slow))
        plant.stop()
    cut_off = plant.logged("the peer does not read its answers")
    growth = peak - before
    got = (
        f"{cut_off} of {slow} cut off, the last after {max(seconds):.1f} s, "
        f"+{growth / 1024:.0f} MiB; "
        f"beside: {dict(tally.codes)}, p99 {tally.percentile(0.99):.0f} ms, {tally.hung_up} cut off"
    )
    bound = OVERHEAD * slow * BUFFER_BYTES / 1024 + 20 * 1024
    is_held = (
        cut_off == slow and max(seconds) < PATIENCE and growth < bound
        and tally.hung_up == 0 and tally.codes.keys() == {"00"}
    )  # fmt: skip
    return Found(got, is_held)


GOAL = Goal("G19", "slow readers", "each cut off, 256 KiB held for it, others untouched", measure)

if __name__ == "__main__":
    prove(GOAL)

"""G19: peers that ask and never read their answers; the switch lets go, others notice nothing.

    python -m tests.chaos.slow_readers [--long] [--seed S]

Plan: each slow reader, whose own kernel takes little, asks more than any buffer holds, and comes
again whenever it was cut off.  The switch must hang up on each within ten seconds of its first
inquiry, at the answer that no longer fits ``write_buffer_bytes_max``, which what its kernel may
hold goes before.  Together they ask less than a switch answers: more than that is another trial.
"""

import asyncio
import socket
import time

from tests.chaos.honest import Honest, Script, Tally, paced
from tests.chaos.plant import Plant, running, set_up
from tests.chaos.proof import Found, Goal, Trial, prove

SLOW_SHORT, SLOW_LONG, TIMES = 3, 30, 5
BUFFER_BYTES = 262_144
LINKS, RATE = 5, 10.0
BURST, PAUSE_SHORT, PAUSE_LONG = 8, 0.05, 0.33
CUT_OFF_SECONDS_MAX, PATIENCE = 10.0, 60.0
OVERHEAD = 2.0
"""What one byte in a buffer may cost in resident memory, Python's objects counted."""
SETTINGS = "[limits]\necho_idle_seconds = 0\n"


async def never_reads(script: Script, port: int, pause: float) -> float:
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
                    await asyncio.sleep(pause)
        except TimeoutError:
            return float("inf")
        except OSError:
            return time.monotonic() - began


async def never_learns(script: Script, port: int, pause: float) -> float:
    """Come again and again; return the most seconds it took until the switch hung up."""
    return max([await never_reads(script, port, pause) for _ in range(TIMES)])


async def beside(
    plant: Plant, script: Script, slow: int, pause: float
) -> tuple[list[float], Tally, int]:
    """Have honest terminals ask beside the slow ones; watch the memory."""
    links = [await Honest.open(script, plant.port) for _ in range(LINKS)]
    tally, peak = Tally(), plant.resident_kib
    reading = asyncio.gather(*(never_learns(script, plant.port, pause) for _ in range(slow)))
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
    pause = PAUSE_LONG if trial.is_long else PAUSE_SHORT
    plant = set_up(
        trial.root, "--pin", "acquirer", settings=SETTINGS, is_patient=not trial.is_timed
    )
    with running(plant):
        script = Script(plant.folder)
        before = plant.resident_kib
        seconds, tally, peak = asyncio.run(beside(plant, script, slow, pause))
        plant.stop()
    cut_off = plant.logged("the peer does not read its answers")
    growth = peak - before
    got = (
        f"{cut_off} of {slow * TIMES} cut off, each within {max(seconds):.1f} s, "
        f"+{growth / 1024:.0f} MiB; "
        f"beside: {dict(tally.codes)}, p99 {tally.percentile(0.99):.0f} ms, {tally.hung_up} cut off"
    )
    bound = OVERHEAD * slow * BUFFER_BYTES / 1024 + 20 * 1024
    is_held = (
        cut_off == slow * TIMES and max(seconds) < PATIENCE and growth < bound
        and trial.in_time(was=max(seconds) < CUT_OFF_SECONDS_MAX)
        and tally.hung_up == 0 and tally.codes.keys() == {"00"}
    )  # fmt: skip
    return Found(got, is_held)


GOAL = Goal("G19", "slow readers", "cut off in 10 s, 256 KiB held, others untouched", measure)

if __name__ == "__main__":
    prove(GOAL)

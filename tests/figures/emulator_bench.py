"""How much load the emulator can make, and what it costs itself.

    python -m tests.figures.emulator_bench [--rounds 3] [--json FILE]

Plan: a host that only copies bytes runs in a process of its own, on the other core where
there is one; this process is the load generator.  Rounds take turns and the median counts:
inquiries a second pipelined (closed loop), the time an answer takes at a low rate, which is
the floor under every latency this machine measures, the error of the rate at 5,000 a second,
and the memory of 5,000 terminals that are connected.
What one core drives is judged by CPU time; the clock's figure beside it is the same on an idle
machine, and lower where others use the core.
Limits: loopback, no TLS, a MAC's cost apart; the trivial host shares the machine.
"""

import asyncio
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from atm_switch.domain.instant import Zone
from atm_switch.domain.secret import Key
from atm_switch.profile.load import load_profile
from terminal_emulator.address import Address
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.load.callers import Card, callers_of
from terminal_emulator.load.precise import precise_loop
from terminal_emulator.load.run import Load, Target
from terminal_emulator.load.schedule import constant
from terminal_emulator.load.stencil import Moment
from terminal_emulator.load.tally import percentile
from tests.figures.banner import print_banner

LINKS, IN_FLIGHT, SECONDS = 4, 256, 3.0
RATE = 5_000.0
FLOOR_RATE = 100.0
TERMINALS = 5_000
MADE = 20_000
CARDS = [Card("9990090000000012")]
LEAST_PER_SECOND, RATE_ERROR_MOST, MEBIBYTES_MOST = 20_000.0, 0.01, 300.0


@contextmanager
def trivial_host() -> Iterator[Address]:
    """Run the host on the last core and this process on the first."""
    cores = sorted(os.sched_getaffinity(0))
    program = [sys.executable, "-m", "tests.doubles.trivial_host", str(cores[-1])]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        os.sched_setaffinity(0, {cores[0]})
        try:
            yield Address("127.0.0.1", int(process.stdout.readline()))
        finally:
            os.sched_setaffinity(0, set(cores))
            process.stdin.close()


def loaded(address: Address, terminals: int, links: int) -> Load:
    """Make a load."""
    profile = load_profile("bpjstk-jht-v1")
    callers = callers_of([BARE_KIT], CARDS, terminals, profile, datetime.now(UTC))
    target = Target(address=address, profile=profile, seconds=10.0)
    return Load(target, callers, links, random.Random(1))  # noqa: S311 - STANs, not keys


async def pipelined(address: Address) -> dict[str, float]:
    """Measure the closed loop: inquiries a second of wall time and of CPU time."""
    load = loaded(address, LINKS * 4, LINKS)
    await load.open()
    began = time.process_time()
    tally = await load.closed_loop(IN_FLIGHT, SECONDS)
    spent = time.process_time() - began
    await load.close()
    _require_clean(tally.errors())
    return {
        "per_core_second": tally.answered / spent,
        "pipelined_per_second": tally.answered / tally.elapsed,
        "cpu_us_each": spent / tally.answered * 1e6,
    }


async def floor(address: Address) -> dict[str, float]:
    """Measure the time of answers at a low rate."""
    load = loaded(address, LINKS, LINKS)
    await load.open()
    tally = await load.open_loop(constant(FLOOR_RATE, SECONDS))
    await load.close()
    _require_clean(tally.errors())
    ordered, lags = tally.ordered(), sorted(tally.lags)
    return {
        "late_p50_ms": percentile(lags, 50) * 1000,
        "floor_p50_ms": percentile(ordered, 50) * 1000,
        "floor_p99_ms": percentile(ordered, 99) * 1000,
    }


async def steady(address: Address) -> dict[str, float]:
    """Measure how far the open loop is from its rate, over all and second by second."""
    load = loaded(address, LINKS * 4, LINKS)
    await load.open()
    tally = await load.open_loop(constant(RATE, SECONDS))
    await load.close()
    _require_clean(tally.errors())
    whole = [second.sent for number, second in tally.seconds.items() if number < int(SECONDS)]
    return {"rate_error": max(abs(sent - RATE) / RATE for sent in whole)}


async def connected(address: Address) -> dict[str, float]:
    """Measure the memory of many terminals, each on a link of its own."""
    before = _resident_mebibytes()
    load = loaded(address, TERMINALS, TERMINALS)
    await load.open()
    total = _resident_mebibytes()
    tally = await load.open_loop(constant(1_000.0, 2.0))
    await load.close()
    _require_clean(tally.errors())
    return {"mebibytes_connected": total, "mebibytes_before": before}


def making() -> dict[str, float]:
    """Measure what it costs to write one request, and what its MAC adds."""
    profile, moment = load_profile("bpjstk-jht-v1"), Moment.of(datetime.now(UTC), Zone.WIB)
    kit = replace(BARE_KIT, mac_key=Key.from_hex("0123456789ABCDEFFEDCBA9876543210"))
    spent = []
    for one in (BARE_KIT, kit):
        (caller,) = callers_of([one], CARDS, 1, profile, datetime.now(UTC))
        stencil, began = caller.next_stencil(), time.process_time()
        for number in range(MADE):
            stencil.frame(f"{number:06d}", moment)
        spent.append((time.process_time() - began) / MADE * 1e6)
    return {"made_us": spent[0], "mac_us": spent[1] - spent[0]}


def measured(address: Address, rounds: int) -> dict[str, float]:
    """Take turns, and return the medians."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for one in (pipelined, floor, steady):
            for name, value in _run(one(address)).items():
                taken.setdefault(name, []).append(value)
    figures = {name: statistics.median(values) for name, values in taken.items()}
    return figures | making() | _run(connected(address))


def _run(figure: Coroutine[Any, Any, dict[str, float]]) -> dict[str, float]:
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        return runner.run(figure)


def _resident_mebibytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _require_clean(errors: int) -> None:
    if errors:
        raise click.ClickException(f"{errors} requests were not answered properly")


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures too.")
def main(rounds: int, file: Path | None) -> None:
    """Measure and print; exits 1 where a promise is not kept."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print_banner("load generator against a host that only copies bytes, medians of rounds")
    with trivial_host() as address:
        found = measured(address, rounds)
    kept = {
        f"pipelined, one core   {found['per_core_second']:>10,.0f}/s  of CPU time (promised "
        f"{LEAST_PER_SECOND:,.0f}), {found['cpu_us_each']:.1f} us each; by the clock "
        f"{found['pipelined_per_second']:,.0f}/s":
            found["per_core_second"] >= LEAST_PER_SECOND,
        f"its own floor         p50 {found['floor_p50_ms']:.3f} ms, p99 "
        f"{found['floor_p99_ms']:.3f} ms at {FLOOR_RATE:g}/s, "
        f"{found['late_p50_ms']:.3f} ms of it leaving late": True,
        f"writing a request     {found['made_us']:>10.1f} us, and {found['mac_us']:.1f} us "
        "more for its MAC": True,
        f"rate error            {found['rate_error']:>10.3%}    worst second at {RATE:,.0f}/s "
        f"(promised under {RATE_ERROR_MOST:.0%})": found["rate_error"] < RATE_ERROR_MOST,
        f"{TERMINALS:,} terminals       {found['mebibytes_connected']:>10.0f} MiB connected, "
        f"{found['mebibytes_before']:.0f} before (promised under {MEBIBYTES_MOST:.0f})":
            found["mebibytes_connected"] < MEBIBYTES_MOST,
    }  # fmt: skip
    for line, is_kept in kept.items():
        click.echo(f"{'kept  ' if is_kept else 'BROKEN'} {line}")
    if file is not None:
        file.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if all(kept.values()) else 1)


if __name__ == "__main__":
    main()

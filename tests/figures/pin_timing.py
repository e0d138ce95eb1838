"""Whether the time of an answer tells one wrong PIN from another (security.md G37).

    python -m tests.figures.pin_timing --rounds 100000 [--seed S]

Plan: the software engine is asked about one block of a kind chosen by chance, round after
round, so that all kinds meet the same noise; a first tenth warms up and is not counted.
The slowest tenth of all rounds is cut off, the same for each kind: what interrupts this
process says nothing of it.  Then Welch's t of each kind against the wrong PIN, and of a
wrong MAC against a right one.
Limits: the usual leakage assessment asks for |t| below 4.5, which is printed and, among
different kinds of wrong PIN blocks, not reached: interpreted Python does not take the same
nanoseconds for two buffers.  What is held is the class: the means of two wrong kinds lie
within 2 % of each other, of which a peer sees nothing behind a synced journal row.
"""

import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable

import click

from atm_switch.adapters.software_hsm import SoftwareHsm
from atm_switch.domain.secret import PinBlock
from atm_switch.security.key_ring import LineKey
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.switch.hsm_port import CheckMac, VerifyPin
from tests.doubles.hsm_rig import CHANCE, FIRST, PAN, PIN, PVK, PVV, SECOND, enciphered, other_pin
from tests.figures.banner import print_banner

BOUND = 4.5
CLASS = 0.02
"""How far the mean of a wrong kind may lie from another's, as a share of it."""
WARM_UP, KEPT = 0.1, 0.9
TEXT = b"0200 message under a MAC".ljust(300, b"0")

Ask = Callable[[], object]
Samples = dict[str, list[int]]


def pin_kinds(engine: SoftwareHsm) -> dict[str, Ask]:
    """Return every kind of PIN block by name: wrong ones, and the right one beside them."""
    blocks = {
        "wrong PIN": enciphered(other_pin(), FIRST),
        "right PIN": enciphered(PIN, FIRST),
        "no PIN inside": PinBlock(bytes.fromhex("0123456789ABCDEF")),
        "another key": enciphered(PIN, SECOND),
        "too long": PinBlock(bytes(16)),
        "too short": PinBlock(bytes(7)),
    }
    keys, pvk = (LineKey.clear(FIRST),), LineKey.clear(PVK)

    def asker(block: PinBlock) -> Ask:
        question = VerifyPin(block, PAN, PVV, "1", pvk, keys, frozenset("0"), is_of_terminal=False)
        return lambda: engine.verify_pin(question)

    return {name: asker(block) for name, block in blocks.items()}


def mac_kinds(engine: SoftwareHsm) -> dict[str, Ask]:
    """Return a right MAC and wrong ones, differing in their first and in their last byte."""
    right = mac(MacAlgorithm.X9_19, FIRST, TEXT)
    macs = {
        "wrong MAC": bytes([right[0] ^ 1]) + right[1:],
        "right MAC": right,
        "wrong at its end": right[:-1] + bytes([right[-1] ^ 1]),
    }
    keys = (LineKey.clear(FIRST),)

    def asker(received: bytes) -> Ask:
        question = CheckMac("x9.19", keys, TEXT, received)
        return lambda: engine.check_mac(question)

    return {name: asker(received) for name, received in macs.items()}


def sampled(kinds: dict[str, Ask], rounds: int, chance: random.Random) -> Samples:
    """Return nanoseconds by kind: shuffled, warmed up, without the slowest tenth of all."""
    names = list(kinds)
    order = [names[number % len(names)] for number in range(rounds)]
    chance.shuffle(order)
    clock, taken = time.perf_counter_ns, []
    for name in order:
        ask = kinds[name]
        began = clock()
        ask()
        taken.append((name, clock() - began))
    counted = taken[int(rounds * WARM_UP) :]
    limit = sorted(took for _, took in counted)[int(len(counted) * KEPT)]
    samples: Samples = defaultdict(list)
    for name, took in counted:
        if took <= limit:
            samples[name].append(took)
    return samples


def welch_t(one: list[int], other: list[int]) -> float:
    """Return Welch's t of two samples."""
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    difference = statistics.fmean(one) - statistics.fmean(other)
    return float(difference / spread**0.5)


def told_apart(samples: Samples) -> int:
    """Print each kind beside the first; count the wrong ones whose time tells them apart.

    A right one is shown and not counted: the answer itself says that it is right.
    """
    first = next(iter(sorted(samples, key=lambda name: not name.startswith("wrong "))))
    reference = samples[first]
    mean = statistics.fmean(reference)
    click.echo(f"\n{first:20}{len(reference):>8}{mean:>10.0f} ns")
    caught = 0
    for name, taken in samples.items():
        if name == first:
            continue
        t, away = welch_t(taken, reference), statistics.fmean(taken) - mean
        is_other = abs(t) >= BOUND and abs(away) > CLASS * mean
        caught += is_other and not name.startswith("right ")
        click.echo(f"{name:20}{len(taken):>8}{away:>+10.0f} ns {away / mean:>+7.2%}   t {t:+.1f}")
    return caught


@click.command()
@click.option("--rounds", type=click.IntRange(min=1_000), default=100_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(rounds: int, seed: int) -> None:
    """Ask, time, compare; exit with 1 where a kind can be told by its time."""
    print_banner("time of PIN and MAC verdicts, Welch's t against a wrong one")
    click.echo(f"seed     {seed}, {rounds:,} rounds each")
    engine, chance = SoftwareHsm(CHANCE), random.Random(seed)  # noqa: S311 - an order, no secret
    caught = told_apart(sampled(pin_kinds(engine), rounds, chance))
    caught += told_apart(sampled(mac_kinds(engine), rounds, chance))
    click.echo(
        f"\n{caught} wrong kinds out of the class (|t| from {BOUND} on and beyond {CLASS:.0%})"
    )
    sys.exit(1 if caught else 0)


if __name__ == "__main__":
    main()

"""Whether the time of an answer tells one wrong PIN from another (security.md G37).

    python -m tests.figures.pin_timing --rounds 100000 [--seed S]

Plan: the software engine is asked about a kind of block chosen by chance, round after
round, so that all kinds meet the same noise; a first tenth warms up and is not counted.
Every kind has many blocks, so that what is compared is the kind and not the digits of one
block.  The medians of batches are what Welch's t compares, for every pair of wrong kinds:
what interrupts this process says nothing of it.
Limits: interpreted Python does not take the same nanoseconds for two buffers, so rounds
enough carry some t of the usual assessment beyond 4.5; those are counted and printed.  What
is held is the class: beyond 4.5 and also 1 % of the time apart, of which a peer sees nothing
behind a synced journal row.  A right one is shown beside them and not judged: the answer
itself says that it is right.
"""

import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations, cycle

import click

from atm_switch.adapters.software_hsm import SoftwareHsm
from atm_switch.domain.secret import Pin, PinBlock
from atm_switch.security import tdes
from atm_switch.security.key_ring import LineKey
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.security.pin_block import encode_format_0
from atm_switch.security.pin_formats import PinFormat
from atm_switch.security.pvv import visa_pvv
from atm_switch.switch.hsm_port import CheckMac, VerifyPin
from tests.doubles.hsm_rig import CHANCE, FIRST, PAN, PIN, PVK, PVV, SECOND, enciphered
from tests.figures.banner import print_banner

BOUND = 4.5
CLASS = 0.01
"""How far the mean of one wrong kind may lie from another's, as a share of it."""
WARM_UP = 0.1
BATCH = 25
BLOCKS = 128
"""So many blocks of each kind."""
TEXT = b"0200 message under a MAC".ljust(300, b"0")

Ask = Callable[[], object]
Samples = dict[str, list[float]]


def wrong_pins(chance: random.Random) -> list[bytes]:
    """Draw PINs of six digits whose value is not the card's."""
    drawn = (f"{chance.randrange(1_000_000):06d}".encode() for _ in range(2 * BLOCKS))
    return [pin for pin in drawn if visa_pvv(Pin(pin), PAN, "1", PVK) != PVV][:BLOCKS]


def misshapen(pin: bytes, at: int, mask: int) -> PinBlock:
    """Make a block whose clear form is spoilt in one byte, under the right key."""
    clear = encode_format_0(Pin(pin), PAN)
    clear[at] ^= mask
    return PinBlock(tdes.encrypt(FIRST, clear))


def pin_kinds(engine: SoftwareHsm, chance: random.Random) -> dict[str, Ask]:
    """Return every kind of PIN block by name: wrong ones, and the right one beside them."""
    pins = wrong_pins(chance)
    blocks = {
        "wrong PIN": [enciphered(pin, FIRST) for pin in pins],
        "format not allowed": [enciphered(pin, FIRST, PinFormat.THREE) for pin in pins],
        "no such format": [misshapen(pin, 0, 0x70) for pin in pins],
        "wrong length digit": [misshapen(pin, 0, 0x08) for pin in pins],
        "wrong filler": [misshapen(pin, 7, 0x01) for pin in pins],
        "another key": [enciphered(pin, SECOND) for pin in pins],
        "chance": [PinBlock(chance.randbytes(8)) for _ in pins],
        "too long": [PinBlock(chance.randbytes(16)) for _ in pins],
        "too short": [PinBlock(chance.randbytes(7)) for _ in pins],
        "right PIN": [enciphered(PIN, FIRST) for _ in pins],
    }
    keys, pvk = (LineKey.clear(FIRST),), LineKey.clear(PVK)

    def asker(kind: list[PinBlock]) -> Ask:
        questions = cycle(
            [
                VerifyPin(one, PAN, PVV, "1", pvk, keys, frozenset("0"), is_of_terminal=False)
                for one in kind
            ]
        )
        return lambda: engine.verify_pin(next(questions))

    return {name: asker(kind) for name, kind in blocks.items()}


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
    """Return medians of batches in nanoseconds, by kind: shuffled and warmed up."""
    names = list(kinds)
    order = [names[number % len(names)] for number in range(rounds)]
    chance.shuffle(order)
    clock, taken = time.perf_counter_ns, defaultdict(list)
    for number, name in enumerate(order):
        ask = kinds[name]
        began = clock()
        ask()
        took = clock() - began
        if number >= WARM_UP * rounds:
            taken[name].append(took)
    return {
        name: [
            statistics.median(took[at : at + BATCH])
            for at in range(0, len(took) - BATCH + 1, BATCH)
        ]
        for name, took in taken.items()
    }


def welch_t(one: list[float], other: list[float]) -> float:
    """Return Welch's t of two samples; zero where neither varies nor differs."""
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    difference = statistics.fmean(one) - statistics.fmean(other)
    return difference / spread**0.5 if spread else difference


def told_apart(samples: Samples) -> tuple[int, int]:
    """Print each kind, then each pair.

    Return how many pairs of wrong ones are beyond the bound, and of them out of the class.
    """
    click.echo("")
    for name, taken in samples.items():
        click.echo(f"{name:20}{len(taken):>6} batches{statistics.fmean(taken):>10.0f} ns")
    beyond = out = 0
    for one, other in combinations(samples, 2):
        t = welch_t(samples[one], samples[other])
        mean = statistics.fmean(samples[other])
        away = statistics.fmean(samples[one]) / mean - 1
        is_judged = not any(name.startswith("right ") for name in (one, other))
        is_beyond = is_judged and abs(t) > BOUND
        is_out = is_beyond and abs(away) > CLASS
        beyond, out = beyond + is_beyond, out + is_out
        remark = "out of the class" if is_out else "beyond" if is_beyond else ""
        remark = remark if is_judged else "not judged"
        click.echo(f"{one:20}{other:20}{away:>+7.2%}   t {t:>+7.1f}   {remark}".rstrip())
    return beyond, out


@click.command()
@click.option("--rounds", type=click.IntRange(min=2_000), default=100_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(rounds: int, seed: int) -> None:
    """Ask, time, compare; exit with 1 where a kind can be told by its time."""
    print_banner("time of PIN and MAC verdicts, Welch's t of every pair")
    click.echo(f"seed     {seed}, {rounds:,} rounds each, medians of {BATCH}")
    engine, chance = SoftwareHsm(CHANCE), random.Random(seed)  # noqa: S311 - an order, no secret
    counts = [
        told_apart(sampled(kinds, rounds, chance))
        for kinds in (pin_kinds(engine, chance), mac_kinds(engine))
    ]
    beyond, out = (sum(one) for one in zip(*counts, strict=True))
    click.echo(
        f"\n{beyond} pairs of wrong kinds with |t| beyond {BOUND}, {out} of them out of the "
        f"class (more than {CLASS:.0%} apart)"
    )
    sys.exit(1 if out else 0)


if __name__ == "__main__":
    main()

"""The packager with its plans against the reference codec, random message by random message.

    [ATM_SWITCH_PURE=1] python -m tests.figures.codec_differential --messages 1000000 [--seed S]

Plan: for each dialect, messages with one of many sets of elements are drawn, packed by both
and unpacked by both, whole and with bytes changed, put in and taken out.  A mismatch is two
different payloads, two different messages, or one that refuses where the other does not.
What a plan has read is answered too (``drawn_answers``), and both write the answer.
One random string a portion is drawn whole, and contents are cut out of it where chance says.
Limits: the reference stands behind the plans for whatever they leave, so what is compared
is what the plans take; how many that were is printed, and few are a failure too.
"""

import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from multiprocessing import get_context

import click

from atm_switch.domain.errors import FormatError
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Element, Profile
from atm_switch.wire import VARIANT
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.figures.banner import print_banner
from tests.figures.drawn_answers import Manner, answered, manner

DIALECTS = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
MTIS = ("0200", "0201", "0210", "0800", "0810", "0421")
SETS = 64
"""So many sets of elements are drawn for each dialect: bitmaps that come again."""
MANNERS = 2
"""So many ways to answer are drawn for each set."""
PORTION = 10_000
STOCK = 100_000
TAKEN_LEAST = 0.4
"""Of all payloads, mutated ones included, this part at least is read by a plan."""
ANSWERS_TAKEN_LEAST = 0.25
"""Of all answers, spoilt ones and those of forgotten heads included, written by a plan."""
ALPHABETS = {
    "n": "0123456789",
    "a": "ABYZabyz ",
    "an": "AZaz09 ",
    "ans": "".join(map(chr, range(0x20, 0x7F))),
}


@dataclass(slots=True)
class Tally:
    """What came of a portion."""

    messages: int = 0
    mutated: int = 0
    accepted: int = 0
    taken: int = 0
    answers: int = 0
    answers_taken: int = 0
    mismatches: int = 0

    @property
    def took_enough(self) -> bool:
        """Whether it was the plans that were compared, and not the reference with itself."""
        read = self.taken >= TAKEN_LEAST * (self.messages + self.mutated)
        return read and self.answers_taken >= ANSWERS_TAKEN_LEAST * self.answers > 0

    def add(self, other: "Tally") -> None:
        """Take another's counts in."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


def content(element: Element, chance: random.Random) -> str:
    """Draw any content an element may have."""
    least, most = element.shortest, element.longest
    length = chance.choice((least, most, chance.randint(least, min(most, least + 40))))
    if element.content == "b":
        return chance.randbytes(length).hex().upper()
    if element.content == "z":
        digits = _cut("n", max(length, 4) - 1, chance)
        at = chance.randint(1, len(digits))
        return f"{digits[:at]}D{digits[at:]}"
    return _cut(element.content, length, chance)


def _cut(kind: str, length: int, chance: random.Random) -> str:
    at = chance.randrange(STOCK - length)
    return _stock(kind)[at : at + length]


@cache
def _stock(kind: str) -> str:
    """Characters of a class in an order of chance, the same in every run."""
    return "".join(random.Random(kind).choices(ALPHABETS[kind], k=STOCK))  # noqa: S311 - cases


def element_sets(profile: Profile, chance: random.Random) -> list[list[int]]:
    """Draw the sets of elements of a dialect: of every size, and the whole profile's."""
    known = sorted(profile.elements)
    drawn = [sorted(chance.sample(known, chance.randint(1, len(known)))) for _ in range(SETS - 1)]
    return [*drawn, known]


def mutated(payload: bytes, chance: random.Random) -> bytes:
    """Change, put in or take out one to three bytes."""
    octets = bytearray(payload)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(octets) + 1)
        kind = chance.randrange(3)
        if kind == 0:
            octets[at : at + 1] = chance.randbytes(1) if chance.random() < 0.5 else octets[:1]
        elif kind == 1:
            octets[at:at] = chance.randbytes(1)
        else:
            del octets[at : at + 1]
    return bytes(octets)


def run(work: tuple[str, int, int, str]) -> Tally:
    """Compare one portion."""
    name, number, messages, seed = work
    profile = load_profile(name)
    sets = element_sets(profile, random.Random(f"{seed} {name}"))  # noqa: S311 - cases, not keys
    chance = random.Random(f"{seed} {name} {number}")  # noqa: S311 - the same
    manners = [[manner(profile, one, chance) for _ in range(MANNERS)] for one in sets]
    packager, tally = Packager(profile), Tally()
    for _ in range(messages // 2):
        at = chance.randrange(SETS)
        elements = {n: content(profile.elements[n], chance) for n in sets[at]}
        message = IsoMessage(chance.choice(MTIS), elements)
        payload = packager.pack(message)
        tally.messages += 1
        # The reference takes only what it would write itself: the same message, the same bytes.
        tally.mismatches += compare(packager, payload, tally) != message
        answer(packager, payload, chance.choice(manners[at]), chance, tally)
        tally.mutated += 1
        compare(packager, mutated(payload, chance), tally)
    return tally


def compare(packager: Packager, payload: bytes, tally: Tally) -> object:
    """Have both read a payload, count what they make of it; return what the reference read."""
    ours = read(packager, payload)
    try:
        reference: object = packager.reference.unpack(payload)
    except FormatError as error:
        reference = (error.data_element, error.reason)
    tally.accepted += isinstance(reference, IsoMessage)
    tally.taken += packager.unpack_by_plan(payload) is not None
    tally.mismatches += ours != reference
    return reference


def answer(
    packager: Packager, payload: bytes, how: Manner, chance: random.Random, tally: Tally
) -> None:
    """Have both answer a payload that a plan reads, and count what they make of it."""
    request = packager.unpack_by_plan(payload)
    if request is None:
        return
    elements = packager.profile.elements
    outcome = answered(packager, request, how, lambda n: content(elements[n], chance), chance)
    tally.answers += 1
    tally.answers_taken += outcome.by_plan
    tally.mismatches += not outcome.is_alike


def read(packager: Packager, payload: bytes) -> object:
    """Return the message, or what the refusal names."""
    try:
        return packager.unpack(payload)
    except FormatError as error:
        return (error.data_element, error.reason)


@click.command()
@click.option("--messages", type=click.IntRange(1), default=1_000_000, show_default=True,
              help="For each dialect; every second one is mutated.")  # fmt: skip
@click.option("--seed", default="1", show_default=True)
def main(messages: int, seed: str) -> None:
    """Compare and print; exits 1 for a mismatch or too few taken by plans."""
    print_banner(f"packager with plans, {VARIANT}, against pyiso8583 behind the strict gate")
    click.echo(
        f"\n{'dialect':24}{'messages':>10}{'mutated':>10}{'accepted':>10}{'by plan':>10}"
        f"{'answers':>10}{'by plan':>10}{'mismatches':>12}{'seconds':>9}"
    )
    is_good = True
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name in DIALECTS:
            began, tally = time.monotonic(), Tally()
            work = [
                (name, at, min(PORTION, messages - start), seed)
                for at, start in enumerate(range(0, messages, PORTION))
            ]
            for part in pool.map(run, work):
                tally.add(part)
            click.echo(
                f"{name:24}{tally.messages:>10,}{tally.mutated:>10,}{tally.accepted:>10,}"
                f"{tally.taken:>10,}{tally.answers:>10,}{tally.answers_taken:>10,}"
                f"{tally.mismatches:>12,}{time.monotonic() - began:>9.0f}"
            )
            is_good &= tally.mismatches == 0 and tally.took_enough
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()

"""A switch that requires MACs, messages with right ones, and every way to spoil them.

Plan: a target is one bench with one dialect and one algorithm.  It is given one spoilt
payload after the other and keeps what they got; before and after, a sound message must
come through.  What a spoilt one may do is be refused: no neighbour but the HSM is asked
for a MAC, no row is written, no try counted, nobody signed on or off.
Limits: the core with neighbours in memory; sockets and disk are others' claims.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from atm_switch.messages.authentication import (
    covered_by_mac,
    mac_width,
    spelled_mac,
    to_be_authenticated,
)
from atm_switch.security.mac import MacAlgorithm, mac
from atm_switch.switch.hsm_port import CheckMac, MakeMac
from atm_switch.switch.session import Dialect
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import PAN, Bench
from tests.doubles.signed_line import ask_signed, signed_payload, signing_bench

PROFILES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
MAY_BE_ASKED = (CheckMac, MakeMac)
LINK, FRESH_LINK = 2, 3
"""Links of the target's dialect: one that has signed on, one that has not."""

Spoil = Callable[["Target", IsoMessage], Iterator[bytes]]


@dataclass
class Tally:
    """What one kind of spoilt payload got: DE39 or ``silence``; ``misses`` were no refusal."""

    answers: Counter[str] = field(default_factory=Counter)
    misses: int = 0

    def add(self, other: "Tally") -> None:
        """Take other counts in."""
        self.answers += other.answers
        self.misses += other.misses


class Target:
    """One bench behind one dialect and algorithm."""

    def __init__(self, profile: str, algorithm: MacAlgorithm) -> None:
        """Sign a link on; leave another without sign-on."""
        bench = self.bench = signing_bench(profile, bad_frames_per_minute=0, echo_idle_seconds=0.0)
        spoken = bench.dialect.profile
        security = replace(spoken.security, mac_algorithm=algorithm.value)
        bench.dialect = Dialect.of(replace(spoken, security=security))
        for link in (LINK, FRESH_LINK):
            bench.open(link)
        assert "00" == ask_signed(bench, network("001"), link=LINK)[39]

    def lets_sound_ones_through(self, chance: random.Random) -> bool:
        """Tell whether what is not spoilt is approved, each time."""
        return all(
            ask_signed(self.bench, message, link=LINK)[39] == "00"
            for message in (inquiry(self.bench, chance), network("301"))
        )

    def give(self, payload: bytes, link: int) -> Tally:
        """Feed one spoilt payload and judge what became of it."""
        bench = self.bench
        bench.memory.asked.clear()
        bench.memory.records.clear()
        before = self._state()
        answers = bench.feed(payload, link)
        code = answers[0][39] if len(answers) == 1 else "silence"
        is_refused = (
            code != "00"
            and len(answers) <= 1
            and all(isinstance(asked, MAY_BE_ASKED) for asked in bench.memory.asked)
            and all(record.kind == "mac refused" for record in bench.memory.records)
            and self._state() == before
        )
        bench.sent.clear()
        bench.notes.clear()
        return Tally(Counter([code]), int(not is_refused))

    def _state(self) -> tuple[object, ...]:
        bench = self.bench
        memory, sessions = bench.memory, bench.switch._sessions
        return (
            memory.verifications, len(memory.rows), dict(memory.tries), len(memory.stored),
            memory.vault, bench.house.vault, len(bench.closed), bench.switch.in_flight,
            *(one.signed_on_as for one in sessions.values()),
            *(len(one.offers) for one in sessions.values()),
        )  # fmt: skip


def network(code: str, changes: dict[int, str] | None = None) -> IsoMessage:
    """Make an 0800."""
    elements = {7: "0630072507", 11: "000009", 32: "009", 70: code, **(changes or {})}
    return IsoMessage("0800", dict(sorted(elements.items())))


def inquiry(bench: Bench, chance: random.Random) -> IsoMessage:
    """Make a right inquiry that no other is like."""
    number = f"{chance.randrange(10**6):06d}"
    changes: dict[int, str | None] = {
        11: number, 37: f"518107{number}", 35: f"{PAN}D30121011234567890",
        55: chance.randbytes(12).hex().upper(),
    }  # fmt: skip
    return bench.inquiry(changes)


def messages(bench: Bench, chance: random.Random) -> Iterator[tuple[str, IsoMessage, int]]:
    """Yield a message of every kind: what it is, itself, and the link it comes over."""
    asked = inquiry(bench, chance)
    yield "0200", asked, LINK
    yield "0201", IsoMessage("0201", asked.elements), LINK
    yield "0420", IsoMessage("0420", {n: asked[n] for n in (2, 3, 7, 11, 32, 37, 41)}), LINK
    stamp = f"{chance.randrange(10**6):06d}"
    yield "0800 sign-on", network("001", {11: stamp}), FRESH_LINK
    for what, code in (("sign-off", "002"), ("echo", "301"), ("cut-over", "201"), ("keys", "161")):
        yield f"0800 {what}", network(code, {11: stamp, 41: "S1ABC123"}), LINK


def bit_flips(target: Target, message: IsoMessage) -> Iterator[bytes]:
    """Turn every bit of the payload, the MAC's own among them, one at a time."""
    whole = signed_payload(target.bench, message)
    for at in range(8 * len(whole)):
        spoilt = bytearray(whole)
        spoilt[at // 8] ^= 1 << at % 8
        yield bytes(spoilt)


def cuts(target: Target, message: IsoMessage) -> Iterator[bytes]:
    """Cut the payload at every byte."""
    whole = signed_payload(target.bench, message)
    yield from (whole[:at] for at in range(1, len(whole)))


def growths(target: Target, message: IsoMessage) -> Iterator[bytes]:
    """Add bytes behind the payload, and between what is covered and the MAC."""
    whole = signed_payload(target.bench, message)
    width = mac_width(target.bench.dialect.profile)
    for more in (b"\0", b"0", b"\0" * 8, whole[-width:]):
        yield whole + more
        yield whole[:-width] + more + whole[-width:]


def without_mac(target: Target, message: IsoMessage) -> Iterator[bytes]:
    """Leave the MAC out, bit and all."""
    yield target.bench.dialect.packager.pack(message)


def misplaced(target: Target, message: IsoMessage) -> Iterator[bytes]:
    """Carry the MAC twice, or in DE64 of a message that has DE128; each rightly computed."""
    packager, key = target.bench.dialect.packager, target.bench.mac_key
    profile = packager.profile
    algorithm = MacAlgorithm(profile.security.mac_algorithm)
    # DE128 alone is in its place wherever it stands: it brings the secondary bitmap along.
    has_second = any(number > 64 for number in message.elements)
    for places in ((64, 128), (64,)) if has_second else ((64, 128),):
        spelled = message
        for place in places:
            spelled = spelled.with_element(place, "00" * 8)
        covered = covered_by_mac(packager.pack(spelled), profile)
        yield covered + spelled_mac(mac(algorithm, key, covered), profile)


def foreign_macs(target: Target, message: IsoMessage) -> Iterator[bytes]:
    """Put a MAC there that is right elsewhere: another key, algorithm, message, or zeros."""
    bench = target.bench
    packager, key = bench.dialect.packager, bench.mac_key
    covered = to_be_authenticated(message, packager)
    other = to_be_authenticated(message.with_element(11, "999999"), packager)
    own = MacAlgorithm(packager.profile.security.mac_algorithm)
    (stranger,) = set(MacAlgorithm) - {own}
    for code in (
        mac(own, bench.pin_key, covered), mac(own, bench.exchange_key, covered),
        mac(stranger, key, covered), mac(own, key, other),
        mac(own, key, covered + b"\x80"), mac(own, key, covered[:-1]),
        bytes(8), b"\xff" * 8,
    ):  # fmt: skip
        yield covered + spelled_mac(code, packager.profile)


HARMS: dict[str, Spoil] = {
    "one bit turned": bit_flips,
    "cut short": cuts,
    "grown": growths,
    "MAC missing": without_mac,
    "MAC misplaced, doubled": misplaced,
    "MAC of something else": foreign_macs,
}
"""By what is printed; the first is the one that is counted."""

"""A round trip of the codec beside pyiso8583's, CPU time, on the same interpreter.

Plan: a round trip reads a 0200 of 232 bytes, with every strict check, sets MTI, DE39, DE54
and DE62, drops DE52 and writes the 0210 of 484 bytes: the message of performance.md.
pyiso8583 does the same on its own dictionaries and checks nothing of its own accord.  The
two take turns, so that both meet the same noise; a round's value is the ratio of the two.
Limits: one process, one message, a warm codec.
"""

import time
from collections.abc import Callable, Iterator

import iso8583

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.bench.figure import Bench, Goal, Got

GOALS = (Goal("codec round trip against pyiso8583, CPU, pure", least=10, aim=17),)
CALLS = {"ours": 8_000, "pyiso8583": 1_000}
REQUEST = {
    2: "9990090000000012", 3: "310000", 4: "0" * 12, 7: "1123072507", 11: "000123",
    12: "142507", 13: "1123", 14: "3011", 18: "6011", 22: "051", 32: "009",
    35: "9990090000000012=30112011234567890", 37: "632707000123", 41: "S1ABC123",
    42: "ATM JAKARTA    ", 43: "JL SUDIRMAN 1".ljust(25) + "JAKARTA".ljust(13) + "ID",
    49: "360", 52: "0123456789ABCDEF", 64: "FEDCBA9876543210",
}  # fmt: skip
ANSWER = {39: "00", 54: "1001360C000001940947", 62: "SALDO JHT ANDA".ljust(240)}


def round_trips() -> dict[str, Callable[[], object]]:
    """Return the round trip of each codec; both write the same bytes."""
    profile = load_profile("bpjstk-jht-v1")
    packager, spec = Packager(profile), Packager(profile).reference.spec
    payload = packager.reference.pack(IsoMessage("0200", REQUEST))
    echo = frozenset(REQUEST) - {52}
    texts = {str(number): text for number, text in ANSWER.items()}

    def ours() -> bytes:
        return packager.pack(packager.unpack(payload).answering("0210", echo, ANSWER))

    def theirs() -> bytearray:
        document, _ = iso8583.decode(payload, spec)
        document["t"] = "0210"
        del document["52"]
        document.update(texts)
        raw, _ = iso8583.encode(document, spec)
        return raw

    assert ours() == bytes(theirs()), "the two codecs write different bytes"
    return {"ours": ours, "pyiso8583": theirs}


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    trips = round_trips()
    taken: dict[str, list[float]] = {name: [] for name in trips}
    for number in range(bench.rounds + 1):
        for name, trip in trips.items():
            spent = cpu_microseconds(trip, CALLS[name])
            if number:  # the first round warms up
                taken[name].append(spent)
        bench.say(f"round {number} of {bench.rounds}")
    yield Got(
        GOALS[0].name,
        [theirs / ours for ours, theirs in zip(taken["ours"], taken["pyiso8583"], strict=True)],
        parts={name: min(values) for name, values in taken.items()},
    )


def cpu_microseconds(trip: Callable[[], object], calls: int) -> float:
    """Return CPU time per call."""
    began = time.process_time()
    for _ in range(calls):
        trip()
    return (time.process_time() - began) / calls * 1e6

"""Round trips of the codec and of pyiso8583, run by turns in a process of its own.

    python -m tests.bench.codec_trips            reads lines ``NAME CALLS``, prints microseconds
    python -m tests.bench.codec_trips NAME...    runs each 500 times, for callgrind to count

Plan: a round trip reads a 0200 of 244 bytes, with every strict check, sets MTI, DE39, DE54
and DE62, drops DE52 and writes the 0210: the message of performance.md with DE43 in full.
pyiso8583 does the same on its own dictionaries and checks nothing of its own accord.  "whole"
has every element of the request made into text besides; "read" is that without the answer, and
"write" an answer made of texts alone.  Which codec it is, compiled or not,
is settled when a process starts, so each has its own.
"""

import sys
import time
from collections.abc import Callable

import iso8583

from atm_switch.profile.load import load_profile
from atm_switch.wire import VARIANT
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager

COUNTED = 500
REQUEST = {
    2: "9990090000000012", 3: "310000", 4: "0" * 12, 7: "1123072507", 11: "000123",
    12: "142507", 13: "1123", 14: "3011", 18: "6011", 22: "051", 32: "009",
    35: "9990090000000012=30112011234567890", 37: "632707000123", 41: "S1ABC123",
    42: "ATM JAKARTA    ", 43: "JL SUDIRMAN 1".ljust(25) + "JAKARTA".ljust(13) + "ID",
    49: "360", 52: "0123456789ABCDEF", 64: "FEDCBA9876543210",
}  # fmt: skip
ANSWER = {39: "00", 54: "1001360C000001940947", 62: "SALDO JHT ANDA".ljust(240)}

Trip = Callable[[], object]


def round_trips() -> dict[str, Trip]:
    """Return the round trip of each codec; all write the same bytes."""
    profile = load_profile("bpjstk-jht-v1")
    packager, spec = Packager(profile), Packager(profile).reference.spec
    payload = packager.reference.pack(IsoMessage("0200", REQUEST))
    echo = frozenset(REQUEST) - {52}
    texts = {str(number): text for number, text in ANSWER.items()}

    def ours() -> bytes:
        return packager.pack(packager.unpack(payload).answering("0210", echo, ANSWER))

    def whole() -> bytes:
        request = packager.unpack(payload)
        assert request.elements
        return packager.pack(request.answering("0210", echo, ANSWER))

    def theirs() -> bytearray:
        document, _ = iso8583.decode(payload, spec)
        document["t"] = "0210"
        del document["52"]
        document.update(texts)
        raw, _ = iso8583.encode(document, spec)
        return raw

    def read() -> object:
        return packager.unpack(payload).elements

    written = {**{n: text for n, text in REQUEST.items() if n in echo}, **ANSWER}

    def write() -> bytes:
        return packager.pack(IsoMessage("0210", written))

    if not write() == ours() == whole() == bytes(theirs()):
        raise AssertionError("the codecs write different bytes")
    return {"ours": ours, "whole": whole, "read": read, "write": write, "pyiso8583": theirs}


def cpu_microseconds(trip: Trip, calls: int) -> float:
    """Return CPU time per call."""
    began = time.process_time()
    for _ in range(calls):
        trip()
    return (time.process_time() - began) / calls * 1e6


def main() -> None:
    """Obey standard input, or run what was named."""
    trips = round_trips()
    for trip in trips.values():
        for _ in range(50):
            trip()
    if len(sys.argv) > 1:
        for name in sys.argv[1:]:
            # A text is run by a function of C with a name, by which callgrind tells it.
            exec(f"for _ in range({COUNTED}): trip()", {"trip": trips[name]})  # noqa: S102
        return
    print(VARIANT, flush=True)  # noqa: T201
    for line in sys.stdin:
        name, calls = line.split()
        print(cpu_microseconds(trips[name], int(calls)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""Round trips of other ISO 8583 libraries, in an environment where they are installed.

    python peer_trips.py PEER < lines     first a line of JSON: request, dropped, answer, and
                                          the request as we write it; then lines ``CALLS``,
                                          answered with microseconds

Plan: each does with its own means what ``codec_trips.py`` says a round trip is, on the same
elements; where a library spells an element in its own way only, it does so (the bitmap and
binary elements as raw bytes, track 2 with a D).
Limits: this file is run alone, by another interpreter: nothing of ours can be imported.
"""

import json
import logging
import sys
import time
from collections.abc import Callable

Elements = dict[int, str]
Trip = Callable[[], object]


def py8583_trip(payload: bytes, dropped: list[int], answer: Elements) -> Trip:
    """One object a message, ASCII specification."""
    from py8583.py8583 import Iso8583  # noqa: PLC0415
    from py8583.py8583spec import IsoSpec1987ASCII  # noqa: PLC0415

    spec = IsoSpec1987ASCII()

    def trip() -> object:
        message = Iso8583(payload, spec)
        message.MTI("0210")
        for number in dropped:
            message.Field(number, 0)
        for number, text in answer.items():
            message.Field(number, 1)
            message.FieldData(number, text)
        return message.BuildIso()

    return trip


def iso8583sim_trip(request: Elements, dropped: list[int], answer: Elements) -> Trip:
    """Parser and builder, its compiled helpers active."""
    from iso8583sim.core.builder import ISO8583Builder  # noqa: PLC0415
    from iso8583sim.core.parser import ISO8583Parser  # noqa: PLC0415

    builder, parser = ISO8583Builder(), ISO8583Parser()
    payload = builder.build(builder.create_message("0200", request))

    def trip() -> object:
        fields = {**parser.parse(payload).fields, **answer}
        for number in (0, *dropped):
            fields.pop(number, None)
        return builder.build(builder.create_message("0210", fields))

    return trip


def starkbank_trip(request: Elements, dropped: list[int], answer: Elements) -> Trip:
    """Its own template, the only one of the right shape: Mastercard's."""
    from starkbank import iso8583  # noqa: PLC0415

    def named(elements: Elements) -> dict[str, str]:
        return {
            f"DE{n:03d}": f"{int(text, 16):064b}" if n in (52, 64) else text
            for n, text in elements.items()
        }

    payload, added = iso8583.unparse({"MTI": "0200", **named(request)}), named(answer)

    def trip() -> object:
        read = {**iso8583.parse(payload), **added, "MTI": "0210"}
        for name in ("BMP", "Length", *(f"DE{n:03d}" for n in dropped)):
            del read[name]
        return iso8583.unparse(read)

    return trip


MAKERS = {
    "iso8583sim": iso8583sim_trip,
    "starkbank-iso8583": starkbank_trip,
}


def main() -> None:
    """Obey standard input."""
    logging.disable(logging.CRITICAL)
    request, dropped, answer, payload = json.loads(sys.stdin.readline())
    numbered = [{int(n): text for n, text in one.items()} for one in (request, answer)]
    if sys.argv[1] == "py8583":
        trip = py8583_trip(payload.encode("ascii"), dropped, numbered[1])
    else:
        trip = MAKERS[sys.argv[1]](numbered[0], dropped, numbered[1])
    for line in sys.stdin:
        began = time.process_time()
        for _ in range(int(line)):
            trip()
        print((time.process_time() - began) / int(line) * 1e6, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

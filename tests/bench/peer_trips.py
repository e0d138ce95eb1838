"""Round trips of other ISO 8583 libraries, and each way alone, in an environment of theirs.

    python peer_trips.py PEER < lines     first a line of JSON: request, dropped, answer, and
                                          the request as we write it; then lines ``NAME CALLS``,
                                          answered with microseconds

Plan: each does with its own means what ``codec_trips.py`` says a round trip is ("ours"), reading
("read") and writing ("write"), on the same elements; where a library spells an element in its
own way only, it does so (the bitmap and binary elements as raw bytes, track 2 with a D).
Limits: this file is run alone, by another interpreter: nothing of ours can be imported.
"""

import json
import logging
import sys
import time
from collections.abc import Callable

Elements = dict[int, str]
Trip = Callable[[], object]
Trips = dict[str, Trip]


def py8583_trips(payload: bytes, dropped: list[int], answer: Elements) -> Trips:
    """One object a message, ASCII specification."""
    from py8583.py8583 import Iso8583  # noqa: PLC0415
    from py8583.py8583spec import IsoSpec1987ASCII  # noqa: PLC0415

    spec = IsoSpec1987ASCII()

    def put(message: Iso8583, texts: Elements) -> object:
        message.MTI("0210")
        for number, text in texts.items():
            message.Field(number, 1)
            message.FieldData(number, text)
        return message.BuildIso()

    def trip() -> object:
        message = Iso8583(payload, spec)
        for number in dropped:
            message.Field(number, 0)
        return put(message, answer)

    ready = Iso8583(payload, spec)  # it takes no DE64 from others that it would read itself
    for number in dropped:
        ready.Field(number, 0)
    return {
        "ours": trip,
        "read": lambda: Iso8583(payload, spec),
        "write": lambda: put(ready, answer),
    }


def iso8583sim_trips(request: Elements, dropped: list[int], answer: Elements) -> Trips:
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

    whole = {**request, **answer}
    for number in dropped:
        del whole[number]
    return {
        "ours": trip,
        "read": lambda: parser.parse(payload),
        "write": lambda: builder.build(builder.create_message("0210", whole)),
    }


def starkbank_trips(request: Elements, dropped: list[int], answer: Elements) -> Trips:
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

    whole = {"MTI": "0210", **named({**request, **answer})}
    for number in dropped:
        del whole[f"DE{number:03d}"]
    return {
        "ours": trip,
        "read": lambda: iso8583.parse(payload),
        "write": lambda: iso8583.unparse(dict(whole)),
    }


MAKERS = {
    "iso8583sim": iso8583sim_trips,
    "starkbank-iso8583": starkbank_trips,
}


def main() -> None:
    """Obey standard input."""
    logging.disable(logging.CRITICAL)
    request, dropped, answer, payload = json.loads(sys.stdin.readline())
    numbered = [{int(n): text for n, text in one.items()} for one in (request, answer)]
    if sys.argv[1] == "py8583":
        trips = py8583_trips(payload.encode("ascii"), dropped, numbered[1])
    else:
        trips = MAKERS[sys.argv[1]](numbered[0], dropped, numbered[1])
    for line in sys.stdin:
        name, calls = line.split()
        trip = trips[name]
        began = time.process_time()
        for _ in range(int(calls)):
            trip()
        print((time.process_time() - began) / int(calls) * 1e6, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""CPU time of the codec beside pyiso8583's, in one run on one interpreter.

    python -m tests.figures.codec_bench [--rounds 5] [--json FILE]

Plan: a round trip reads an 0200, changes it into its 0210 and writes that, as a host does;
once with screen lines alone and once with a slip.  pyiso8583 does the same on its own
dictionaries, without any of our checks.  The two take turns, round after round, so that both
meet the same noise; what counts is the median of the rounds' ratios.
Limits: one machine, one process, messages of this profile; other codecs are in ``make bench``.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import iso8583

from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.figures.banner import print_banner

LEAST = 10.0
"""How many times faster than pyiso8583 the plans in pure Python are to be."""
CALLS = {"packager": 8_000, "pyiso8583": 1_000}
REQUEST = {
    2: "9990090000000012", 3: "310000", 4: "0" * 12, 7: "1123072507", 11: "000123",
    12: "142507", 13: "1123", 15: "1123", 18: "6011", 22: "051", 25: "02", 32: "009",
    37: "632707000123", 41: "S1ABC123", 42: "ATM JAKARTA    ",
    43: "JL SUDIRMAN 1".ljust(25) + "JAKARTA".ljust(13) + "ID",
    48: "JHTBAL01C00".ljust(40), 49: "360", 52: "0123456789ABCDEF",
}  # fmt: skip
ANSWERED = {39: "00", 48: "J" * 153, 54: "9001360C000001940947" * 2}
LINES = {"screen only": {62: "x" * 240}, "screen and slip": {62: "x" * 240, 63: "x" * 960}}


def round_trips(answer: dict[int, str]) -> dict[str, Callable[[], object]]:
    """Return the round trip of each codec."""
    profile = load_profile("bpjstk-jht-v1")
    packager, spec = Packager(profile), Packager(profile).reference.spec
    payload = packager.reference.pack(IsoMessage("0200", REQUEST))
    echo = frozenset(REQUEST) - {52}
    texts = {str(number): text for number, text in answer.items()}

    def ours() -> bytes:
        request = packager.unpack(payload)
        return packager.pack(request.answering("0210", echo, answer))

    def theirs() -> bytearray:
        document, _ = iso8583.decode(payload, spec)
        document["t"] = "0210"
        del document["52"]
        document.update(texts)
        raw, _ = iso8583.encode(document, spec)
        return raw

    if ours() != bytes(theirs()):
        raise click.ClickException("the two codecs write different bytes")
    return {"packager": ours, "pyiso8583": theirs}


def cpu_microseconds(trip: Callable[[], object], calls: int) -> float:
    """Return CPU time per call."""
    began = time.process_time()
    for _ in range(calls):
        trip()
    return (time.process_time() - began) / calls * 1e6


def measured(answer: dict[int, str], rounds: int) -> dict[str, float]:
    """Return the medians: microseconds of each, and the ratio of the two."""
    trips = round_trips(answer)
    taken: dict[str, list[float]] = {name: [] for name in trips}
    for number in range(rounds + 1):
        for name, trip in trips.items():
            spent = cpu_microseconds(trip, CALLS[name])
            if number:  # the first round warms up
                taken[name].append(spent)
    ratios = [b / a for a, b in zip(taken["packager"], taken["pyiso8583"], strict=True)]
    return {
        **{name: statistics.median(values) for name, values in taken.items()},
        "ratio": statistics.median(ratios),
    }


@click.command()
@click.option("--rounds", type=click.IntRange(3), default=7, show_default=True)
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures too.")
def main(rounds: int, file: Path | None) -> None:
    """Measure and print; exits 1 below the promised ratio."""
    print_banner("codec round trip, CPU time, medians of interleaved rounds")
    click.echo(f"\n{'message':18}{'packager us':>13}{'pyiso8583 us':>14}{'times faster':>14}")
    figures = {}
    for name, lines in LINES.items():
        figures[name] = found = measured({**ANSWERED, **lines}, rounds)
        click.echo(
            f"{name:18}{found['packager']:>13.2f}{found['pyiso8583']:>14.2f}{found['ratio']:>14.1f}"
        )
    click.echo(f"promised: {LEAST:.0f} times with the screen's lines")
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(0 if figures["screen only"]["ratio"] >= LEAST else 1)


if __name__ == "__main__":
    main()

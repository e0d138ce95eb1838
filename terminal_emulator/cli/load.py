"""``terminal-emulator load``: options and help."""

import re
from pathlib import Path
from typing import Any

import click

from terminal_emulator.cli.given import digits, json_option, terminal_options
from terminal_emulator.options import TerminalOptions

SECONDS_MAX = 86_400


def _span(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", text)
    factor = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    seconds = float(found[1]) * factor[found[2] or "s"] if found else 0.0
    if not 0 < seconds <= SECONDS_MAX:
        raise click.BadParameter("is a time like 10s, 500ms, 2m or 1h")
    return seconds


def _ramp(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[float, float] | None:
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?):([0-9]+(?:\.[0-9]+)?)", text)
    if found is None or float(found[1]) + float(found[2]) <= 0:
        raise click.BadParameter("is two rates like 10:500")
    return float(found[1]), float(found[2])


_file = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  terminal-emulator load --kit bank/terminal-kit.json --rate 200 --for 10s
  terminal-emulator load --kit bank/terminal-kit.json --rate 50 --for 1m \\
        --terminals 500 --links 20 --threshold 'p99<50ms' --threshold 'errors<0.1%'
  terminal-emulator load --kit bank/terminal-kit.json --ramp 10:1000 --for 30s --svg ramp.svg
  terminal-emulator load --kit bank/terminal-kit.json --closed 64 --for 10s
  terminal-emulator load --kit bank/terminal-kit.json --rate 100 --for 3s --find-knee
  terminal-emulator load --kit bank/terminal-kit.json --links 500 --terminals 500 --storm 3

Requests leave at the rate asked for whether the host answers or not, and the time of each
counts from when it was due.  A card under PIN takes turns with itself: for high rates give
many cards (--cards), or a bank that verifies PINs itself.  Exits 1 for a broken threshold."""
)
@terminal_options
@json_option
@click.option(
    "--rate",
    type=click.FloatRange(0, 1e6, min_open=True),
    default=100.0,
    show_default=True,
    metavar="R",
    help="Requests a second.",
)
@click.option(
    "--for",
    "seconds",
    callback=_span,
    default="10s",
    show_default=True,
    metavar="TIME",
    help="How long: 10s, 500ms, 2m.  With --find-knee: of each step.",
)
@click.option("--ramp", callback=_ramp, metavar="A:B", help="Go from A to B requests a second.")
@click.option("--by-chance", is_flag=True, help="Arrivals by chance (Poisson), --rate on average.")
@click.option(
    "--closed",
    "in_flight",
    type=click.IntRange(0, 100_000),
    default=0,
    metavar="N",
    help="Closed loop: keep N requests under way instead of a rate.",
)
@click.option(
    "--terminals",
    type=click.IntRange(1, 100_000),
    default=None,
    metavar="N",
    help="Terminals; more than one are numbered L0000001 and on.  One a kit if left out.",
)
@click.option(
    "--links",
    type=click.IntRange(1, 100_000),
    default=1,
    show_default=True,
    metavar="N",
    help="Connections; terminals are spread over them.",
)
@click.option(
    "--cards",
    type=_file,
    metavar="FILE",
    help="Cards, a line each: PAN PIN.  The kit's sample cards if left out.",
)
@click.option("--pan", callback=digits(12, 19), metavar="DIGITS", help="One card.")
@click.option("--pin", callback=digits(4, 12), metavar="DIGITS", help="Its PIN.")
@click.option(
    "--kits", type=_file, metavar="DIR", help="Kits (*.json) of terminals with keys of their own."
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="PROMISE",
    help="p99<50ms, max<1s, errors<0.1%, rate>=990/s, code:00>99%; may be repeated.",
)
@click.option("--json-file", type=_file, metavar="FILE", help="Write the report as JSON.")
@click.option(
    "--hdr",
    "percentiles",
    type=_file,
    metavar="FILE",
    help="Write all percentiles, in HdrHistogram's text form.",
)
@click.option("--svg", type=_file, metavar="FILE", help="Draw p50, p99 and rate by second.")
@click.option(
    "--storm",
    "storms",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Instead: reset all links at once N times, and time their return.",
)
@click.option(
    "--find-knee",
    "knee",
    is_flag=True,
    help="Instead: raise the rate until the host does not keep up.",
)
@click.option(
    "--warm-up",
    callback=_span,
    default=None,
    metavar="TIME",
    help="Load before the measured one, not counted.",
)
@click.option("--no-sign-on", is_flag=True, help="Do not sign the links on.")
@click.option("--seed", default="1", show_default=True, help="Of arrivals and first STANs.")
def load(**given: Any) -> int:
    """Put load on a host and report every request's time.

    Open loop at a fixed rate by default; live figures on standard error, Ctrl-C ends it
    with the report of what was measured.
    """
    names = TerminalOptions.__dataclass_fields__.keys()
    terminal = TerminalOptions(**{name: given.pop(name) for name in names})
    from terminal_emulator.load import command

    given["warm_up"] = given["warm_up"] or 0.0
    return command.load(terminal, command.LoadOptions(**given))

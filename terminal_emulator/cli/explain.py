"""``terminal-emulator explain``: bytes to annotated fields."""

import click

KINDS = ("auto", "hex", "base64", "log", "pcap", "raw")


@click.command(
    epilog="""\b
Examples:
  terminal-emulator explain message.hex
  terminal-emulator explain line.pcap --json
  grep 'unreadable' proxy.log | terminal-emulator explain -
  xxd dump.bin | terminal-emulator explain --profile bpjstk-jht-v1-bcd
  terminal-emulator explain request.hex --diff repeat.hex

It takes hexadecimal in any spelling (also hexdump -C and xxd), base64, log lines with
hexadecimal in them, pcap and pcapng.  PAN, track, PIN block, KPJ and names are masked.
Exits 0 if every byte has its place, 1 if not."""
)
@click.argument("place", metavar="[FILE|-]", default="-")
@click.option("--profile", metavar="NAME|FILE", help="Dialect; the one that fits best if left out.")
@click.option(
    "--format", "kind", type=click.Choice(KINDS), default="auto", show_default=True,
    help="What the input is.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object a capture.")
@click.option("--diff", "other", metavar="FILE", help="Show only what FILE does not have alike.")
def explain(
    place: str,
    profile: str | None,
    kind: str,
    as_json: bool,  # noqa: FBT001 - click hands flags in so
    other: str | None,
) -> None:
    """Explain a message: every field with its offset, bytes, value and meaning.

    Also one that does not decode: where the error may start, what is left over, and which
    profile the bytes fit better.
    """
    from terminal_emulator.explain import command

    if other is not None:
        command.compare((place, other), kind, profile)
    else:
        command.explain(place, kind, profile, as_json=as_json)

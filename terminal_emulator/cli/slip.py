"""``terminal-emulator slip``: options and help; the work is imported when it runs."""

import click

FORMS = ("text", "svg", "png", "escpos")


@click.command(
    epilog="""\b
Examples:
  terminal-emulator inquire --pan PAN --json | terminal-emulator slip - -o slip.svg
  terminal-emulator slip answer.json -o slip.png
  terminal-emulator slip de63.txt --to escpos -o - > /dev/usb/lp0

FILE is what `inquire --json` printed, or the text of DE63.  An answer that was declined
has no DE63; the ATM's own slip of the decline is written then."""
)
@click.argument("place", metavar="[FILE|-]", default="-")
@click.option("--to", type=click.Choice(FORMS), help="Form; the ending of -o if left out.")
@click.option(
    "-o", "--output", "out", metavar="FILE", default="-", show_default=True,
    help="Where to write; - is standard output.",
)  # fmt: skip
@click.option(
    "--width", type=click.Choice(["32", "38", "40"]), default="40", show_default=True,
    help="Columns of a decline's slip.",
)  # fmt: skip
@click.option(
    "--language", type=click.Choice(["id", "en"], case_sensitive=False), default="id",
    show_default=True, help="Of a decline's slip.",
)  # fmt: skip
def slip(place: str, to: str | None, out: str, width: str, language: str) -> None:
    """Write a slip as text, SVG, PNG or the bytes of a receipt printer (ESC/POS)."""
    from terminal_emulator.slips.command import write_slip

    write_slip(place, to, out, int(width), language.upper())

"""A slip as the bytes of a receipt printer (ESC/POS), by python-escpos.

Plan: the library's dummy printer collects what a real one would be sent; whoever has one
sends the file to it as it is, for example with ``lp -o raw``.
Limits: font A of an 80 mm printer has 48 columns, of a 58 mm one 32; every slip width of
the profiles fits one of them.
"""

from escpos.printer import Dummy

from terminal_emulator.slips.paper import Paper

MODEL = "TM-T88III"
FEED_LINES = 4
"""Paper to push past the cutter."""


def escpos_of(paper: Paper) -> bytes:
    """Return the bytes: reset, the lines, feed and cut."""
    printer = Dummy(profile=MODEL)
    printer.hw("INIT")
    printer.set(align="left", font="a")
    printer.text("\n".join(paper.lines) + "\n")
    printer.print_and_feed(FEED_LINES)
    printer.cut(feed=False)
    content = printer.output
    printer.close()
    return bytes(content)

"""The printed statement as an SVG 1.1 file of one A4 page.

Limits: pure; nothing is fetched, the faces are those the reader's machine has.
"""

from xml.sax.saxutils import escape, quoteattr

from atm_switch.ledger.statement_page import HEIGHT, WIDTH, Box, Mark, StatementSheet, page_of

_FACES = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"


def svg_of(sheet: StatementSheet) -> str:
    """Draw the page."""
    title = escape(f"{sheet.words.title}, {sheet.participant.kpj.masked}")
    return "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            (
                '<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm"'
                f' viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xml:lang="{sheet.words.language}"'
                f" font-family={quoteattr(_FACES)}>"
            ),
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *(_drawn(mark) for mark in page_of(sheet)),
            "</svg>\n",
        )
    )


def _drawn(mark: Mark) -> str:
    if isinstance(mark, Box):
        place = f'x="{mark.x:.2f}" y="{mark.y:.2f}"'
        size = f'width="{mark.width:.2f}" height="{mark.height:.2f}"'
        return f'<rect {place} {size} fill="{mark.shade}"/>'
    weight = ' font-weight="bold"' if mark.is_bold else ""
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    return (
        f'<text x="{mark.x:.2f}" y="{mark.y:.2f}" font-size="{mark.size:g}"{weight}{anchor}'
        f' fill="{mark.shade}">{escape(mark.text)}</text>'
    )

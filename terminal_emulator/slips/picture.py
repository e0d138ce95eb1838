"""A slip as SVG: white paper, torn off at the bottom, one row of monospaced text a line.

Why every row has a ``textLength`` and no-break spaces: columns must stand under each other
in any monospaced font, and viewers collapse the spaces that are ordinary.
Pure; nothing outside the file is referred to.
"""

from html import escape

from terminal_emulator.slips.paper import Paper

COLUMN, ROW, MARGIN, TOOTH = 9, 19, 24, 9
SVG = "http://www.w3.org/2000/svg"
FONT = "'DejaVu Sans Mono','Liberation Mono',Consolas,Menlo,'Courier New',monospace"


def svg_of(paper: Paper) -> str:
    """Draw a slip; ASCII, ends in a newline."""
    width = paper.width * COLUMN + 2 * MARGIN
    height = len(paper.lines) * ROW + 2 * MARGIN + TOOTH
    rows = [
        _row(line, MARGIN + (number + 1) * ROW - 5)
        for number, line in enumerate(paper.lines)
        if line
    ]
    return "\n".join(
        [
            f'<svg xmlns="{SVG}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            f'<path d="{_outline(width, height)}" fill="#ffffff" stroke="#b8b8b8"/>',
            f'<g font-family="{FONT}" font-size="15" fill="#1a1a1a" xml:space="preserve">',
            *rows,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _row(line: str, baseline: int) -> str:
    text = line.lstrip(" ")
    x = MARGIN + (len(line) - len(text)) * COLUMN
    spaced = escape(text, quote=False).replace(" ", "&#160;")
    length = len(text) * COLUMN
    return (
        f'<text x="{x}" y="{baseline}" textLength="{length}" '
        f'lengthAdjust="spacingAndGlyphs">{spaced}</text>'
    )


def _outline(width: int, height: int) -> str:
    """Trace the sheet, with teeth along the lower edge."""
    low, high = height - 1, height - TOOTH
    teeth = []
    x, down = width - 1, True
    while x > 1:
        x = max(1, x - TOOTH)
        teeth.append(f"L{x} {low if down else high}")
        down = not down
    return f"M1 1H{width - 1}V{high}{''.join(teeth)}V1Z"

"""A slip as PNG, the way a thermal printer dots it.

Why the old bitmap font: it comes with Pillow, every character is six dots wide, and it is
the same on every machine; a font file would have to be shipped or found.
"""

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from terminal_emulator.slips.paper import Paper

COLUMN, ROW, MARGIN, TOOTH = 6, 13, 14, 6
SCALE = 2
PAPER, INK = 255, 20


def png_of(paper: Paper) -> bytes:
    """Dot a slip; 8-bit grey, two dots a pixel."""
    width = paper.width * COLUMN + 2 * MARGIN
    height = len(paper.lines) * ROW + 2 * MARGIN
    image = Image.new("L", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default_imagefont()
    for number, line in enumerate(paper.lines):
        draw.text((MARGIN, MARGIN + number * ROW), line, fill=INK, font=font)
    for x in range(0, width, 2 * TOOTH):
        low, high = height - 1, height - 1 - TOOTH
        draw.line(((x, low), (x + TOOTH, high), (x + 2 * TOOTH, low)), fill=INK)
    out = BytesIO()
    image.resize((width * SCALE, height * SCALE), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()

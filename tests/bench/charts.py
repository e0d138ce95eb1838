"""Charts of the rows, as SVG by hand: a bar a figure, with marks where promise and aim are.

Plan: one file a module.  Every row has a scale of its own, from nothing to the larger of
value and bounds, since the figures of one module have several units; parts stand under
their row on a scale of theirs.  Limits: text is not measured, so long names are cut.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from tests.bench.report import Row

WIDTH, LEFT, BAR, STEP = 900, 470, 300, 26
INK, PAPER, GOOD, WEAK, PART, MARK = "#222", "#fff", "#2b7a4b", "#b3402e", "#8fa8c8", "#666"


def chart(module: str, rows: Sequence[Row]) -> str:
    """Draw the rows of one module."""
    marks: list[str] = []
    y = 64
    for row in rows:
        marks += _row(row, y)
        y += STEP
        for name, value in row["parts"].items():
            marks += _part(name, value, row, y)
            y += STEP - 8
        y += 6
    head = [
        _text(16, 26, f"{module}: median of interleaved rounds", size=16, weight="bold"),
        _text(16, 46, _taken(rows), colour=MARK),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 10}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{y + 10}" fill="{PAPER}"/>\n'
        + "\n".join(head + marks)
        + "\n</svg>\n"
    )


def _taken(rows: Iterable[Row]) -> str:
    return " / ".join(sorted({str(row.get("taken", "")) for row in rows}))


def _row(row: Row, y: int) -> list[str]:
    bounds = [row[name] for name in ("least", "aim") if row[name] is not None]
    got = row["got"]
    full = max([value for value in (got, *bounds) if value is not None], default=1) or 1
    marks = [_text(16, y + 12, row["figure"][:72])]
    if got is not None:
        colour = WEAK if row["verdict"] == "SHORT" else GOOD
        marks.append(_bar(y, got / full, colour, 14))
    for name in ("least", "aim"):
        if row[name] is not None:
            x = LEFT + BAR * row[name] / full
            dash = "" if name == "least" else ' stroke-dasharray="3 2"'
            marks.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 2}" y2="{y + 18}" stroke="{INK}"{dash}/>'
            )
    shown = "left out" if got is None else f"{_short(got)} {row['unit']}, {row['verdict']}"
    marks.append(_text(LEFT + BAR + 10, y + 12, shown))
    return marks


def _part(name: str, value: float, row: Row, y: int) -> list[str]:
    full = max(row["parts"].values()) or 1
    return [
        _text(40, y + 10, name[:68], colour=MARK),
        _bar(y, value / full, PART, 10),
        _text(LEFT + BAR + 10, y + 10, f"{_short(value)} {row['parts_unit']}", colour=MARK),
    ]


def _bar(y: int, share: float, colour: str, height: int) -> str:
    return f'<rect x="{LEFT}" y="{y}" width="{BAR * share:.1f}" height="{height}" fill="{colour}"/>'


def _text(x: int, y: int, text: str, **style: Any) -> str:
    weight = f' font-weight="{style["weight"]}"' if "weight" in style else ""
    size = f' font-size="{style["size"]}"' if "size" in style else ""
    colour = style.get("colour", INK)
    return f'<text x="{x}" y="{y}" fill="{colour}"{size}{weight}>{escape(text)}</text>'


def _short(value: float) -> str:
    return f"{value:,.{0 if value >= 1000 else 1 if value >= 10 else 2}f}"

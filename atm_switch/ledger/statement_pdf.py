"""The printed statement as a PDF of one A4 page, by fpdf2 (the extra ``pdf``).

Limits: the standard faces every reader has, so nothing is embedded and letters beyond
printable ASCII become what ``slip.printable`` makes of them, as on paper slips.  The file
bears the day of the statement, so the same statement is the same bytes.
"""

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from atm_switch.domain.errors import Refused
from atm_switch.ledger.statement_page import Box, Mark, StatementSheet, page_of
from atm_switch.switch.slip import printable

if TYPE_CHECKING:
    from fpdf import FPDF

_FACE = "helvetica"
_INSTALL = "a PDF needs fpdf2: pip install 'atm-switch[pdf]', or take --svg"


def pdf_of(sheet: StatementSheet) -> bytes:
    """Draw the page.  Raises ``Refused`` where fpdf2 is not installed."""
    try:
        from fpdf import FPDF  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise Refused(_INSTALL) from None
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(auto=False)
    pdf.set_creation_date(datetime.combine(sheet.statement.as_of, time(), UTC))
    pdf.set_title(f"{sheet.words.title}, {sheet.participant.kpj.masked}")
    pdf.set_lang(sheet.words.language)
    pdf.add_page()
    for mark in page_of(sheet):
        _draw(pdf, mark)
    return bytes(pdf.output())


def _draw(pdf: "FPDF", mark: Mark) -> None:
    shade = int(mark.shade[1:3], 16), int(mark.shade[3:5], 16), int(mark.shade[5:], 16)
    if isinstance(mark, Box):
        pdf.set_fill_color(*shade)
        pdf.rect(mark.x, mark.y, mark.width, mark.height, style="F")
        return
    text = printable(mark.text)
    pdf.set_font(_FACE, "B" if mark.is_bold else "", mark.size)
    pdf.set_text_color(*shade)
    back = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor]
    pdf.text(mark.x - back * pdf.get_string_width(text), mark.y, text)

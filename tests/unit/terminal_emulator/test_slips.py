"""Claims about slips as values and about each form they are written in."""

import json
import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from atm_switch.domain.errors import Refused
from terminal_emulator.slips.command import write_slip
from terminal_emulator.slips.export import Form, export, form_of, rendered
from terminal_emulator.slips.paper import Paper, paper_of_block, paper_of_document
from terminal_emulator.slips.picture import COLUMN, MARGIN

PAPER = Paper(40, ("         BANK CONTOH - STRUK ATM", "", "SALDO JHT       Rp         1.234,56"))
DECLINED = {
    "response_code": "55", "outcome": "PIN salah", "approved": False, "stan": "000123",
    "rrn": "518107000123", "pan": "999009******0012", "receipt": [],
}  # fmt: skip
lines = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=32)
papers = st.builds(Paper, st.just(32), st.lists(lines, min_size=1, max_size=30).map(tuple))


@given(papers)
def test_svg_keeps_every_character_in_its_column(paper: Paper) -> None:
    """Read back by an XML parser, each row stands at its column and says what it said."""
    root = ET.fromstring(rendered(paper, Form.SVG))  # noqa: S314  our own drawing

    rows = root.findall(".//{*}text")
    written = [line for line in paper.lines if line]
    assert [line.lstrip(" ") for line in written] == [
        (row.text or "").replace("\xa0", " ") for row in rows
    ]
    assert [MARGIN + (len(x) - len(x.lstrip(" "))) * COLUMN for x in written] == [
        int(row.attrib["x"]) for row in rows
    ]


@given(papers)
def test_printer_gets_the_text_unchanged(paper: Paper) -> None:
    """Between reset and cut the printer's bytes are the slip's lines."""
    sent = rendered(paper, Form.ESCPOS)

    assert sent.startswith(b"\x1b@")
    assert sent.endswith(b"\x1dVB\x00")
    assert "\n".join(paper.lines).encode() in sent


def test_svg_refers_to_nothing_outside() -> None:
    """No link, no script, no font file: the drawing is all in the file."""
    text = rendered(PAPER, Form.SVG).decode()

    assert ["http://www.w3.org/2000/svg"] == re.findall(r"https?://[^\"']+", text)
    assert not re.search(r"<script|href|url\(|@import", text)


def test_png_has_ink_where_text_is() -> None:
    """The picture is as wide as its columns, and its rows with text are inked, others not."""
    picture = Image.open(BytesIO(rendered(PAPER, Form.PNG)))

    assert (2 * (40 * 6 + 2 * 14), 2 * (3 * 13 + 2 * 14)) == picture.size
    rows = [picture.crop((0, 2 * (14 + 13 * n), picture.width, 2 * (27 + 13 * n))) for n in (0, 1)]
    assert (20, 255) == (rows[0].getextrema()[0], rows[1].getextrema()[0])


def test_text_is_lines_and_nothing_else() -> None:
    """Text is the lines, each ended."""
    assert "\n".join(PAPER.lines) + "\n" == rendered(PAPER, Form.TEXT).decode()


@pytest.mark.parametrize("bad", [(), ("x" * 41,), ("caf\xe9",), ("tab\there",)])
def test_unprintable_paper_cannot_exist(bad: tuple[str, ...]) -> None:
    """No line, one too wide, or one with what a printer does not know is refused."""
    with pytest.raises(ValueError, match="a slip has"):
        Paper(40, bad)


def test_only_receipt_blocks_are_slips() -> None:
    """DE62 and text without a head are no slip."""
    assert Paper(32, ("SALDO",)) == paper_of_block("R3201" + "SALDO".ljust(32))

    with pytest.raises(ValueError, match="kind S"):
        paper_of_block("S3201" + "SALDO".ljust(32))


def test_document_of_a_decline_becomes_a_slip() -> None:
    """What ``--json`` printed of a decline is enough for the ATM's own slip."""
    paper = paper_of_document(DECLINED, 32, "EN")

    assert "    TRANSACTION FAILED (55)" in paper.lines
    assert "CARD   999009******0012" in paper.lines
    assert 32 >= max(len(line) for line in paper.lines)


@pytest.mark.parametrize(
    "document", [{}, {"response_code": None, "approved": False}, {"approved": True, "receipt": []}]
)
def test_document_without_answer_is_refused(document: dict[str, object]) -> None:
    """No answer, or an approval without DE63, is no slip."""
    with pytest.raises(ValueError, match="holds no slip"):
        paper_of_document(document, 40, "ID")


def test_file_ending_says_the_form() -> None:
    """The four endings are known in either case; another is a usage error."""
    forms = [form_of(Path(name)) for name in ("a.TXT", "a.svg", "a.png", "a.bin")]

    assert [Form.TEXT, Form.SVG, Form.PNG, Form.ESCPOS] == forms
    with pytest.raises(click.UsageError, match=r"ends in \.txt"):
        form_of(Path("a.pdf"))


def test_unwritable_file_is_one_sentence(tmp_path: Path) -> None:
    """Where the file cannot be written the sentence names it."""
    with pytest.raises(Refused, match=r"a\.txt cannot be written"):
        export(PAPER, Form.TEXT, tmp_path / "absent" / "a.txt")


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00", '{"receipt": 7}', "R4001short"])
def test_nonsense_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    """Whatever is no answer and no DE63 is refused, without a traceback."""
    place = tmp_path / "answer.json"
    place.write_text(content)

    with pytest.raises(Refused, match="no slip can be made"):
        write_slip(str(place), "text", str(tmp_path / "out.txt"), 40, "ID")


def test_form_given_wins_over_the_ending(tmp_path: Path) -> None:
    """``--to`` decides, whatever the file is called."""
    place, out = tmp_path / "answer.json", tmp_path / "out.png"
    place.write_text(json.dumps(DECLINED))

    write_slip(str(place), "text", str(out), 40, "ID")

    assert "TRANSAKSI GAGAL (55)" in out.read_text()

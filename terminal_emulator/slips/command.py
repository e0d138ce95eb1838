"""``slip``: read an answer or a DE63 from a file, write its slip."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from terminal_emulator.slips.export import Form, export, form_of, rendered
from terminal_emulator.slips.paper import Paper, paper_of_block, paper_of_document

STANDARD = "-"
HOW = "give what inquire --json prints, or the text of DE63"
BYTES_MAX = 1_000_000
BINARY = (Form.PNG, Form.ESCPOS)


def write_slip(place: str, to: str | None, out: str, width: int, language: str) -> None:
    """Write the slip of ``place`` as ``to``, or as the ending of ``out`` says.

    Raises ``Refused``, and ``click.UsageError`` for what the person at the keys can change.
    """
    is_file = out != STANDARD
    form = Form(to) if to else (form_of(Path(out)) if is_file else Form.TEXT)
    if form in BINARY and not is_file and sys.stdout.isatty():
        raise click.UsageError(f"{form.value} is no text: pass -o FILE")
    paper = _paper_of(_content(place), width, language)
    if is_file:
        export(paper, form, Path(out))
    else:
        sys.stdout.buffer.write(rendered(paper, form))


def _content(place: str) -> str:
    try:
        if place == STANDARD:
            return sys.stdin.read(BYTES_MAX)
        with Path(place).open(encoding="utf-8") as file:
            return file.read(BYTES_MAX)
    except OSError as error:
        raise Refused(f"{place} cannot be read: {error.strerror}; {HOW}") from None
    except UnicodeDecodeError:
        raise Refused(f"{place} is no text: it is neither JSON of inquire nor DE63") from None


def _paper_of(content: str, width: int, language: str) -> Paper:
    try:
        if content.lstrip().startswith("{"):
            document = json.loads(content)
            if isinstance(document, Mapping):
                return paper_of_document(document, width, language)
        return paper_of_block(content.strip("\r\n"))
    except ValueError as error:
        raise Refused(f"no slip can be made of it: {error}; {HOW}") from None

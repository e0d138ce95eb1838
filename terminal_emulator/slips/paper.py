"""A slip as a value, from whatever knows one.  Pure.

Plan: an approval's slip is DE63, line by line as the host composed it.  A decline has no
DE63, so the ATM prints its own: what was asked, the code, why, and what to do.
Limits: printable ASCII only, which is all that class ``ans`` and a receipt printer know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.text_block import read_text_block, wrap
from terminal_emulator.answers import InquiryResult
from terminal_emulator.terminal import Station
from terminal_emulator.texts import advice

WIDTHS = (32, 38, 40)
"""Columns of the paper: 58 mm, and 80 mm in two prints."""
RECEIPT = "R"


@dataclass(frozen=True, slots=True)
class Paper:
    """Lines of at most ``width`` columns, without trailing spaces."""

    width: int
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        """Let no slip exist that a printer could not print.  Raises ``ValueError``."""
        if not self.lines or any(len(line) > self.width for line in self.lines):
            message = f"a slip has lines of at most {self.width} columns, and at least one"
            raise ValueError(message)
        if any(not (" " <= character <= "~") for line in self.lines for character in line):
            message = "a slip has printable ASCII only"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a decline's slip tells; ``moment`` and ``terminal`` may be unknown (empty)."""

    code: str
    text: str
    outcome: Outcome | None
    stan: str
    rrn: str
    pan_masked: str
    moment: str = ""
    terminal: str = ""


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    reference: str
    card: str
    failed: str


_WORDS: Mapping[str, _Words] = {
    "ID": _Words("STRUK ATM", "NO REF", "KARTU ", "TRANSAKSI GAGAL"),
    "EN": _Words("ATM RECEIPT", "REF NO", "CARD  ", "TRANSACTION FAILED"),
}


def paper_of_block(text: str) -> Paper:
    """Read DE63.  Raises ``ValueError`` for text that is no receipt block."""
    block = read_text_block(text)
    if block.kind != RECEIPT:
        message = f"a text block of kind {block.kind} is no slip; DE63 begins with R"
        raise ValueError(message)
    return Paper(block.width, tuple(line.rstrip() for line in block.lines))


def paper_of_result(
    result: InquiryResult, width: int, language: str, station: Station, now: datetime
) -> Paper:
    """Make the slip of an answer, at ``now`` (UTC); an approval without DE63 has none.

    Raises ``ValueError`` for that, and for DE63 that cannot be printed.
    """
    if result.receipt is not None:
        lines = tuple(line.rstrip() for line in result.receipt.lines)
        return Paper(result.receipt.width, lines)
    if result.is_approved:
        message = "the host sent no slip; ask for one with --width 40"
        raise ValueError(message)
    local = now.astimezone(station.zone.tzinfo)
    moment = f"{local:%d/%m/%Y %H:%M:%S} {station.zone.name}"
    failure = Failure(
        result.code, _said(result), result.outcome, result.stan, result.rrn, result.pan_masked,
        moment, station.terminal.text,
    )  # fmt: skip
    return paper_of_failure(failure, width, language)


def paper_of_document(document: Mapping[str, Any], width: int, language: str) -> Paper:
    """Make the slip of what ``inquire --json`` printed.

    Raises ``ValueError`` where it holds no answer, or an approval without a slip.
    """
    lines = document.get("receipt")
    if isinstance(lines, list) and lines and all(isinstance(line, str) for line in lines):
        widest = max(len(line) for line in lines)
        fitting = next((one for one in WIDTHS if one >= widest), widest)
        return Paper(fitting, tuple(line.rstrip() for line in lines))
    if document.get("approved") or not isinstance(document.get("response_code"), str):
        message = "it holds no slip: it is no answer, or was asked for with --width 0"
        raise ValueError(message)
    words = {
        name: str(document.get(key) or "")
        for name, key in (
            ("code", "response_code"), ("text", "outcome"), ("stan", "stan"),
            ("rrn", "rrn"), ("pan_masked", "pan"),
        )
    }  # fmt: skip
    return paper_of_failure(Failure(outcome=None, **words), width, language)


def paper_of_failure(failure: Failure, width: int, language: str) -> Paper:
    """Make the slip the ATM prints of a decline."""
    words = _WORDS[language]
    rule = "-" * width
    lines = [
        words.title.center(width),
        *_pair(failure.moment, failure.terminal and f"ATM {failure.terminal}", width),
        *_pair(f"{words.reference} {failure.rrn}", f"STAN {failure.stan}", width),
        f"{words.card} {failure.pan_masked}",
        rule,
        f"{words.failed} ({failure.code})".center(width),
        rule,
        *wrap(_plain(failure.text), width),
    ]
    if failure.outcome is not None:
        lines += ["", *wrap(advice(failure.outcome, language), width)]
    lines.append(rule)
    return Paper(width, tuple(line.rstrip() for line in lines))


def _said(result: InquiryResult) -> str:
    screen = result.screen
    text = " ".join(line.strip() for line in screen.lines) if screen is not None else result.text
    return f"{text} ({result.fault})" if result.fault else text


def _pair(left: str, right: str, width: int) -> tuple[str, ...]:
    """Put two words at the ends of a line, or on two lines where they do not fit."""
    if not right or not left:
        return tuple(word for word in (left, right) if word)
    space = width - len(left) - len(right)
    return (left + " " * space + right,) if space > 0 else (left, right)


def _plain(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)

"""What tests say to the core and how they read its answers: DE48, DE70, DE62, rows.

Beside the bench: the bench carries messages, these write and read them.
"""

from typing import Any

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.text_block import TextBlock, read_text_block
from atm_switch.switch.ports import Commit, Reserve
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench

NO_KPJ = "0" * 11
NO_NIK = "0" * 16


def de48(
    kpj: str = NO_KPJ, lookup: int = 0, language: str = "ID", index: int = 0, width: int = 40
) -> str:
    """Write DE48 of a request by hand, not through the project's own writer."""
    return f"JHTBAL{kpj}{lookup}{NO_NIK}{language}{index:02d}{width:02d}"


def network(code: str, changes: dict[int, str | None] | None = None) -> IsoMessage:
    """Write an 0800; ``None`` takes an element out."""
    elements: dict[int, str | None] = {7: "0630072507", 11: "000009", 70: code, **(changes or {})}
    return IsoMessage("0800", {n: v for n, v in elements.items() if v is not None})


def repeat_of(message: IsoMessage) -> IsoMessage:
    """Return the 0201 of an 0200."""
    return IsoMessage("0201", message.elements)


def signed_on(**how: Any) -> Bench:
    """Set a bench whose one link has signed on."""
    bench = Bench(**how)
    bench.sign_on()
    return bench


def block_of(response: IsoMessage, number: int = 62) -> TextBlock:
    """Read DE62 or DE63."""
    return read_text_block(response[number])


def sentence_of(response: IsoMessage) -> str:
    """Return the error text of DE62 as the one sentence it was."""
    return " ".join(line.rstrip() for line in block_of(response).lines)


def commits(bench: Bench) -> list[Commit]:
    """Return the rows B, oldest first."""
    return [row for row in bench.memory.rows if isinstance(row, Commit)]


def reservations(bench: Bench) -> list[Reserve]:
    """Return the rows A, oldest first."""
    return [row for row in bench.memory.rows if isinstance(row, Reserve)]


def last_outcome(bench: Bench) -> Outcome:
    """Return the outcome of the latest row B."""
    return commits(bench)[-1].ending.outcome


def asked_kinds(bench: Bench) -> list[str]:
    """Name the kinds of question asked so far, in order."""
    return [type(question).__name__ for question in bench.memory.asked]

"""What somebody with the audit's file can do to it, one function each.

Plan: each takes the guards down, does one thing to a fresh copy, and puts the guards back
word for word, so that the thing done is all there is to find.  ``TAMPERS`` names them;
which row, which bit and which way is chance.  Those of ``NEEDS_NOTED_HEAD`` put back what
was genuine once, and can only be found by who noted a later head.
"""

import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import MappingProxyType

from atm_switch.adapters.audit_rows import AUDIT_COLUMN_LIST, AUDIT_COLUMNS
from atm_switch.adapters.journal_chain import GENESIS, Head
from tests.doubles.audit_bench import Book
from tests.doubles.audit_intruder import FREE, OWN_KEYS, Intruder


def flip_a_bit(by: Intruder) -> None:
    """One bit of one cell that holds any, the link and the sequence among them."""
    column, seq = by.chance.choice(AUDIT_COLUMNS), by.row()
    (cell,) = by.ask(f"SELECT {column} FROM audit_rows WHERE seq = ?", seq)  # noqa: S608 - constants
    if cell == "":
        by.ask(f"UPDATE audit_rows SET {column} = 'x' WHERE seq = ?", seq)  # noqa: S608 - constants
        return
    taken, changed = by.flip(cell)
    by.ask("DELETE FROM audit_rows WHERE ? = 'seq' AND seq = ?", column, changed)
    by.ask(f"UPDATE audit_rows SET {column} = {taken} WHERE seq = ?", changed, seq)  # noqa: S608 - constants


def rewrite_a_cell(by: Intruder) -> None:
    """A cell says something else altogether."""
    column, seq = by.chance.choice(("kind", "actor", "subject", "detail")), by.row()
    word = "stop" if column == "kind" else f"somebody else {by.chance.random()}"
    (cell,) = by.ask(f"SELECT {column} FROM audit_rows WHERE seq = ?", seq)  # noqa: S608 - constants
    told = "start" if cell == word else word
    by.ask(f"UPDATE audit_rows SET {column} = ? WHERE seq = ?", told, seq)  # noqa: S608 - constants


def shift_a_letter(by: Intruder) -> None:
    """The last letter of a cell stands in front of the next: all letters are still there."""
    seq = by.row()
    by.ask(
        "UPDATE audit_rows SET actor = substr(actor, 1, length(actor) - 1),"
        " subject = substr(actor, -1) || subject WHERE seq = ?",
        seq,
    )


def delete_rows(by: Intruder) -> None:
    """Some rows in a run are gone, and the head knows nothing of it."""
    first = by.row(by.rows - 1)
    last = min(first + by.chance.randrange(3), by.rows - 1)
    by.ask("DELETE FROM audit_rows WHERE seq BETWEEN ? AND ?", first, last)


def delete_and_renumber(by: Intruder) -> None:
    """A row is gone and those behind it close up; the head follows."""
    seq = by.row(by.rows - 1)
    by.ask("DELETE FROM audit_rows WHERE seq = ?", seq)
    by.shift(seq + 1, by.rows, -1)
    by.head_follows()


def swap_two(by: Intruder) -> None:
    """Two rows in each other's place."""
    one, other = by.chance.sample(range(1, by.rows + 1), 2)
    for before, after in ((one, FREE), (other, one), (FREE, other)):
        by.move(before, after)


def move_a_row(by: Intruder) -> None:
    """A row stands further back, those between close up."""
    first, last = sorted(by.chance.sample(range(1, by.rows + 1), 2))
    by.move(first, 3 * FREE)
    by.ask("UPDATE audit_rows SET seq = seq + ? WHERE seq BETWEEN ? AND ?", FREE, first, last)
    by.ask(
        "UPDATE audit_rows SET seq = seq - ? WHERE seq BETWEEN ? AND ?", FREE + 1, FREE, 2 * FREE
    )
    by.move(3 * FREE, last)


def swap_contents(by: Intruder) -> None:
    """Two rows keep their sequence and link, and have each other's words."""
    one, other = by.chance.sample(range(1, by.rows + 1), 2)
    columns = "at, kind, actor, subject, detail"
    told = by.ask(f"SELECT {columns} FROM audit_rows WHERE seq = ?", one)  # noqa: S608 - constants
    by.ask(
        f"UPDATE audit_rows SET ({columns}) ="  # noqa: S608 - constants
        f" (SELECT {columns} FROM audit_rows WHERE seq = ?) WHERE seq = ?",
        other, one,
    )  # fmt: skip
    values = (*told, other)
    by.ask(f"UPDATE audit_rows SET ({columns}) = (?, ?, ?, ?, ?) WHERE seq = ?", *values)  # noqa: S608 - constants


def insert_a_row(by: Intruder) -> None:
    """A copy of a row between two others, those behind it moved on; the head follows."""
    copied, place = by.row(), by.row()
    values = by.ask(f"SELECT {AUDIT_COLUMN_LIST} FROM audit_rows WHERE seq = ?", copied)  # noqa: S608 - constants
    by.shift(place, by.rows, 1)
    by.ask("INSERT INTO audit_rows VALUES (?, ?, ?, ?, ?, ?, ?)", place, *values[1:])
    by.head_follows()


def append_a_row(by: Intruder) -> None:
    """A row of one's own behind the last, linked as well as one can; the head follows."""
    cells = (by.rows + 1, 1, "command", "user root (uid 0)", "card", "unblocked")
    link = by.chance.choice(
        (
            by.chance.randbytes(32),
            by.book.head.chain,
            OWN_KEYS.link_cells(by.book.head.chain, cells),
        )
    )
    by.ask("INSERT INTO audit_rows VALUES (?, ?, ?, ?, ?, ?, ?)", *cells, link)
    by.head_follows()


def cut_tail(by: Intruder) -> None:
    """The last rows are gone, and nothing else is touched."""
    by.ask("DELETE FROM audit_rows WHERE seq > ?", by.row() - 1)


def cut_tail_and_mend_head(by: Intruder) -> None:
    """The last rows are gone and the head names the new last one, its seal kept or made up."""
    by.ask("DELETE FROM audit_rows WHERE seq > ?", by.row(by.rows - 1))
    by.head_follows()
    (borrowed,) = by.ask("SELECT seal FROM journal_head")
    seals = (None, by.chance.randbytes(32), GENESIS, borrowed, OWN_KEYS.seal(by.book.head))
    if (seal := by.chance.choice(seals)) is not None:
        by.set_head(seal=seal)


def edit_the_head(by: Intruder) -> None:
    """One bit of the head."""
    column = by.chance.choice(("seq", "chain", "seal"))
    _, changed = by.flip(by.ask(f"SELECT {column} FROM audit_head")[0])  # noqa: S608 - constants
    by.set_head(**{column: changed})


def behead(by: Intruder) -> None:
    """No head, with the rows left or emptied as if nothing had ever been."""
    by.ask("DELETE FROM audit_head")
    if by.chance.random() < 0.5:
        by.ask("DELETE FROM audit_rows")


def begin_anew(by: Intruder) -> None:
    """No row, and a head that says so, with a seal kept or made up."""
    by.ask("DELETE FROM audit_rows")
    by.set_head(seq=0, chain=GENESIS)
    if by.chance.random() < 0.5:
        by.set_head(seal=OWN_KEYS.seal(Head(0, GENESIS)))


def relink_with_own_keys(by: Intruder) -> None:
    """A row is rewritten, and every link behind it made anew with keys of one's own."""
    seq = by.row()
    by.ask("UPDATE audit_rows SET detail = 'nothing to see' WHERE seq = ?", seq)
    before = by.ask("SELECT chain FROM audit_rows WHERE seq = ?", seq - 1)
    link = before[0] if before else GENESIS
    query = f"SELECT {AUDIT_COLUMN_LIST} FROM audit_rows WHERE seq >= ? ORDER BY seq"  # noqa: S608 - constants
    for cells in by.connection.execute(query, (seq,)).fetchall():
        link = OWN_KEYS.link_cells(link, cells)
        by.ask("UPDATE audit_rows SET chain = ? WHERE seq = ?", link, cells[0])
    by.head_follows()
    by.set_head(seal=OWN_KEYS.seal(Head(by.rows, link)))


def drop_a_guard(by: Intruder) -> None:
    """A trigger is taken away."""
    name, _ = by.chance.choice(by.guards())
    by.ask(f"DROP TRIGGER {name}")


def hollow_a_guard(by: Intruder) -> None:
    """A trigger keeps its name and stops nothing."""
    name, text = by.chance.choice(by.guards())
    by.ask(f"DROP TRIGGER {name}")
    body = text.index("BEGIN")
    by.ask(text[:body] + "BEGIN SELECT 1; END")


def add_a_trigger(by: Intruder) -> None:
    """A trigger of one's own waits for the next row."""
    by.ask("CREATE TRIGGER own AFTER INSERT ON audit_rows BEGIN SELECT 1; END")


def restore_an_older_copy(by: Intruder) -> None:
    """The audit, rows and head, as it was some while ago."""
    head, seal = by.chance.choice(by.book.heads[:-1])
    by.ask("DELETE FROM audit_rows WHERE seq > ?", head.seq)
    by.set_head(seq=head.seq, chain=head.chain, seal=seal)


Tamper = Callable[[Intruder], None]

TAMPERS: Mapping[str, Tamper] = MappingProxyType(
    {
        "one bit of a cell": flip_a_bit,
        "cell rewritten": rewrite_a_cell,
        "letter shifted to the next cell": shift_a_letter,
        "rows deleted": delete_rows,
        "row deleted, rest renumbered": delete_and_renumber,
        "two rows swapped": swap_two,
        "words of two rows swapped": swap_contents,
        "row moved": move_a_row,
        "row inserted": insert_a_row,
        "row appended": append_a_row,
        "tail cut": cut_tail,
        "tail cut, head mended": cut_tail_and_mend_head,
        "one bit of the head": edit_the_head,
        "head taken away": behead,
        "begun anew": begin_anew,
        "relinked with other keys": relink_with_own_keys,
        "guard dropped": drop_a_guard,
        "guard hollowed out": hollow_a_guard,
        "trigger added": add_a_trigger,
        "older copy put back": restore_an_older_copy,
    }
)
"""What can be done, by what the table calls it."""

NEEDS_NOTED_HEAD = frozenset({"older copy put back"})
_OF_GUARDS = frozenset({"guard dropped", "guard hollowed out", "trigger added"})


def tampered(book: Book, kind: str, chance: random.Random) -> sqlite3.Connection:
    """Return a copy of the book with one thing done to it; the caller closes it."""
    by = Intruder(book.copy(), chance, book)
    with nullcontext() if kind in _OF_GUARDS else by.unguarded():
        TAMPERS[kind](by)
    return by.connection

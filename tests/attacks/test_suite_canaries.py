"""The search at the end of every run finds what it is for, and leaves out what is by design."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from atm_switch.folder import open_folder
from tests.doubles.canaries import Canary
from tests.doubles.served import make_folder
from tests.doubles.suite_canaries import canaries_of, cards_in, found_in, left_behind

CARD, MASKED, NO_CARD = "9990090000000012", "999009******0012", "9990090000000013"
LONG_CARD = "9990090000000000012"
FORMS: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "behind its length": lambda pan: f"020016{pan}310000".encode(),
    "EBCDIC": lambda pan: pan.encode("cp500"),
    "UTF-16": lambda pan: pan.encode("utf-16-le"),
    "packed": lambda pan: bytes.fromhex(pan + "0" * (len(pan) % 2)),
    "packed behind a nibble": lambda pan: bytes.fromhex(f"c{pan}f0"[: 2 * ((len(pan) + 2) // 2)]),
    "hexadecimal of text": lambda pan: pan.encode().hex().encode(),
    "hexadecimal of EBCDIC": lambda pan: b"a" + pan.encode("cp500").hex().upper().encode(),
    "base64": lambda pan: base64.b64encode(b"k" + pan.encode() + b"12"),
    "base64 of packed": lambda pan: base64.b64encode(
        b"\xff" + bytes.fromhex(pan[:16]) + b"\xee\xff"
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_card_is_found_in_every_form(form: str) -> None:
    """A card of the lab's BIN, between other bytes, is found without being known."""
    assert cards_in(b"\x00\x9afiller " + FORMS[form](CARD) + b" more\xee")


def test_masked_and_misspelt_numbers_are_no_cards() -> None:
    """What is shown masked, fails Luhn or is of no length a card has is left alone."""
    for text in (MASKED, NO_CARD, "999009000000001", "99900900000", "999009"):
        assert set() == cards_in(text.encode())
    assert cards_in(LONG_CARD.encode())


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Lend a folder that the search at the end of this run does not see."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_what_a_folder_holds_is_found_where_it_leaked(elsewhere: Path) -> None:
    """
    A real folder leaves nothing; a log, a capture beside it and a database with one of its
    secrets each, in other spellings, are found and named, and no secret is.
    """
    folder = make_folder(elsewhere, "--mac", "required")
    vault = open_folder(folder).vault()
    key = next(iter(vault.keys.values())).in_use.token.reveal()
    (block,) = [one for one in canaries_of(folder) if one.name == "PIN block of 999009...0012"]
    nik = next(one for one in canaries_of(folder) if one.name == "NIK")

    before = left_behind(elsewhere)
    (elsewhere / "bank.log").write_bytes(b"key " + base64.b64encode(b"-" + key))
    (folder / "journal.db-wal").write_bytes(b"\x00" + bytes.fromhex(block.text) + b"\x01")
    (elsewhere / "told.json").write_text(json.dumps({"nik": nik.text}))
    (elsewhere / "elsewhere.log").write_text(f"card {CARD}")
    after = left_behind(elsewhere)

    assert [] == before
    assert 4 == len(after)
    assert not any(secret in " ".join(after) for secret in (CARD, nik.text, block.text, key.hex()))


def test_packed_number_alone_counts_where_the_card_is_known(elsewhere: Path) -> None:
    """One that nobody knows may be chance's, as of a digest; a second one is not, nor is text."""
    first, second = (f"{99_900}{rest}" for rest in ("98112233447", "98112233454"))
    (elsewhere / "kept.db").write_bytes(b"\xfe" + bytes.fromhex(first) + b"\xff")
    alone = left_behind(elsewhere)
    (elsewhere / "cards.csv").write_text(f"pan\n{first}\n")
    known = left_behind(elsewhere)
    (elsewhere / "cards.csv").unlink()
    (elsewhere / "others.db").write_bytes(b"\xfe" + bytes.fromhex(second) + b"\xff")
    two = left_behind(elsewhere)
    (elsewhere / "others.db").write_text(second)
    text = left_behind(elsewhere)

    kept = "kept.db: a card number, packed"
    assert ([], [kept]) == (alone, known)
    assert [kept, "others.db: a card number, packed"] == two
    assert ["others.db: a card number, text"] == text


def test_words_are_searched_like_files() -> None:
    """What a command said is searched for every canary known."""
    assert ["said: key"] == found_in(
        {"said": b"AB12CD34EF56AB78"}, [Canary("key", "ab12cd34ef56ab78")]
    )

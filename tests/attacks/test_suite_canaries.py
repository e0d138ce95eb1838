"""The search at the end of every run finds what it is for, and leaves out what is by design."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from atm_switch.folder import open_folder
from tests.doubles import suite_canaries
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


UNKNOWN = tuple(f"{99_900}{rest}" for rest in ("98112233447", "98112233454", "98112233462"))
"""Sound, and not to be read here as the tests' own cards are."""


def packed(pan: str, behind: bytes = b"\xff") -> bytes:
    """Pack a card number between other bytes."""
    return b"\xfe" + bytes.fromhex(pan) + behind


def test_packed_number_alone_counts_where_the_card_is_known(elsewhere: Path) -> None:
    """One that nobody knows may be chance's, as of a digest; as text it counts."""
    (elsewhere / "kept.db").write_bytes(packed(UNKNOWN[0]))
    alone = left_behind(elsewhere)
    (elsewhere / "cards.csv").write_text(f"pan\n{UNKNOWN[0]}\n")
    known = left_behind(elsewhere)
    (elsewhere / "cards.csv").unlink()
    (elsewhere / "others.db").write_text(UNKNOWN[1])
    text = left_behind(elsewhere)

    assert ([], ["kept.db: a card number, packed"]) == (alone, known)
    assert ["others.db: a card number, text"] == text


def test_number_at_many_places_is_one_number(elsewhere: Path) -> None:
    """A page of a database lies in its log and in a backup, too, and as hexadecimal in a report."""
    (elsewhere / "kept.db").write_bytes(packed(UNKNOWN[0]))
    (elsewhere / "kept.db-wal").write_bytes(packed(UNKNOWN[0]) + packed(UNKNOWN[0], b"\x11\x22"))
    (elsewhere / "saved.tar").write_bytes(packed(UNKNOWN[0]))
    (elsewhere / "told.json").write_text(f"{packed(UNKNOWN[0]).hex()}{'ab' * 8}")

    assert [] == left_behind(elsewhere)


def test_three_packed_numbers_are_not_chances(elsewhere: Path) -> None:
    """Two of a run may be; a third one has all of them told, and of two the known one is."""
    for at, pan in enumerate(UNKNOWN[:2]):
        (elsewhere / f"{at}.db").write_bytes(packed(pan))
    two = left_behind(elsewhere)
    (elsewhere / "cards.csv").write_text(f"pan\n{UNKNOWN[1]}\n")
    known = left_behind(elsewhere)
    (elsewhere / "cards.csv").unlink()
    (elsewhere / "2.db").write_bytes(packed(UNKNOWN[2]))
    three = left_behind(elsewhere)

    assert ([], ["1.db: a card number, packed"]) == (two, known)
    assert [f"{at}.db: a card number, packed" for at in range(3)] == three


@pytest.mark.parametrize(
    ("before", "behind", "is_sure"),
    [("ab" * 12, "", False), ("0" * 12, "ef", False), ("", "c" * 8, False),
     ("0" * 12, "0" * 12, True), ("pan ", " ab", True), ("a", "c", True)],
)  # fmt: skip
def test_digits_amid_hexadecimal_are_as_doubtful_as_packed_ones(
    elsewhere: Path, before: str, behind: str, *, is_sure: bool
) -> None:
    """A digest has them by chance; a known card counts there, and any in digits or words does."""
    (elsewhere / "keys.jsonl").write_text(f"{before}{UNKNOWN[0]}{behind}")
    unknown = left_behind(elsewhere)
    (elsewhere / "keys.jsonl").write_text(f"{before}{CARD}{behind}")
    known = left_behind(elsewhere)

    assert is_sure == bool(unknown)
    assert known


def test_number_that_was_said_counts_as_one_of_a_file_does(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text it is told with its test; packed in a digest it may be chance's."""
    monkeypatch.setattr(
        suite_canaries, "SAID",
        [("a", f"card {UNKNOWN[0]}".encode()), ("b", packed(UNKNOWN[1]).hex().encode() * 2)],
    )  # fmt: skip

    assert ["said in a: a card number, text"] == left_behind(elsewhere)


def test_words_are_searched_like_files() -> None:
    """What a command said is searched for every canary known."""
    assert ["said: key"] == found_in(
        {"said": b"AB12CD34EF56AB78"}, [Canary("key", "ab12cd34ef56ab78")]
    )

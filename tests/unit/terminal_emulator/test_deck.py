"""Claims about the sample cards beside the kit."""

from pathlib import Path

from terminal_emulator.atm_screen.deck import SampleCard, read_deck, short_pan

TABLE = """Sample cards of the lab BIN 999009.

PAN               EXPIRY  PIN     DE39  SHOWS
9990090000000012  2912    123456  00    the published simulation
9990090000000061  2912    678901  62    a blocked card
not a card        2912    678901  62    a blocked card
"""


def deck_of(folder: Path, text: str) -> tuple[SampleCard, ...]:
    """Read a deck of this text."""
    (folder / "sample").mkdir()
    (folder / "sample" / "cards.txt").write_text(text)
    return read_deck(folder / "terminal-kit.json")


def test_cards_are_read_without_their_pins(tmp_path: Path) -> None:
    """Each row is a card with its code and purpose; its PIN is nowhere in it."""
    deck = deck_of(tmp_path, TABLE)

    assert [("00", "the published simulation"), ("62", "a blocked card")] == [
        (card.code, card.shows) for card in deck
    ]
    assert ["999009 …0012", "999009 …0061"] == [short_pan(card.pan) for card in deck]
    assert "123456" not in "".join(card.code + card.shows for card in deck)


def test_card_does_not_print_its_number(tmp_path: Path) -> None:
    """The text form of a card holds no card number."""
    assert "9990090000000012" not in repr(deck_of(tmp_path, TABLE))


def test_missing_or_odd_file_is_empty_deck(tmp_path: Path) -> None:
    """No kit, no file, or a file of another kind is no card at all."""
    assert () == read_deck(None)
    assert () == read_deck(tmp_path / "terminal-kit.json")
    assert () == deck_of(tmp_path, "\x00\xff nothing here")


def test_number_of_another_length_shows_no_digit() -> None:
    """What is too short for a card number is stars only, on the card in the slot too."""
    assert "*****" == short_pan("55123")

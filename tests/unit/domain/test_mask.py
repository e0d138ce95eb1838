"""Claims about masks: never more than allowed, and stars only where the shape is strange."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.mask import mask_kpj, mask_long_numbers, mask_name, mask_nik, mask_pan


@given(st.text("0123456789", min_size=13, max_size=19))
def test_pan_shows_six_and_four(pan: str) -> None:
    """First six, last four, the rest stars, the length kept."""
    masked = mask_pan(pan)

    assert (pan[:6], pan[-4:], len(pan)) == (masked[:6], masked[-4:], len(masked))
    assert {"*"} == set(masked[6:-4])


@given(st.text(max_size=40))
def test_strange_values_are_stars_only(text: str) -> None:
    """A mask that does not know its value fails closed."""
    for mask, length in ((mask_kpj, 11), (mask_nik, 16)):
        if len(text) != length or not text.isdecimal() or not text.isascii():
            assert "*" * len(text) == mask(text)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("BUDI SANTOSO", "BU** SAN****"),
        ("ALI BIN X", "AL* B** *"),
        ("AB", "A*"),
        ("A", "*"),
        ("", ""),
        ("SITI NUR AISYAH", "SI** N** AIS***"),
    ],
)
def test_name_shows_two_letters_then_three(name: str, masked: str) -> None:
    """A word too short to hide anything shows less."""
    assert masked == mask_name(name)


@given(st.text("ABCDEFGH ", max_size=40))
def test_every_word_of_a_name_hides_something(name: str) -> None:
    """No word is shown whole."""
    assert all("*" in word for word in mask_name(name).split())


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("9990090000000012 does not exist", "**************** does not exist"),
        (
            "no profile '99900900000000121=30121', none",
            "no profile '*****************=30121', none",
        ),
        ("unexpected (0123456789abcdefFEDCBA9876543210)", "unexpected (" + 32 * "*" + ")"),
        (
            "bank/2026-01-31.csv line 12345 of 1234567890",
            "bank/2026-01-31.csv line 12345 of 1234567890",
        ),
        (
            "check value 08D7B4, DE048 at 0F1E2D3C4B5A697",
            "check value 08D7B4, DE048 at 0F1E2D3C4B5A697",
        ),
    ],
)
def test_long_numbers_in_a_sentence_are_stars(sentence: str, told: str) -> None:
    """From eleven digits or sixteen hexadecimal ones on; dates, counts and check values stay."""
    assert told == mask_long_numbers(sentence)

"""Fixed layouts: every place where it belongs, padded by its class."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.layout import LayoutForm, layout_length, read_layout, write_layout
from atm_switch.profile.model import LayoutField

LAYOUT = (
    LayoutField("number", 4, "n"),
    LayoutField("letters", 3, "a"),
    LayoutField("mixed", 3, "an"),
    LayoutField("free", 5, "ans"),
)
TEXT = "0042ID A1 BU** "
VALUES = {"number": "0042", "letters": "ID", "mixed": "A1", "free": "BU**"}


def test_places_are_padded_by_their_class() -> None:
    """
    Numbers stand right with zeros, text left with blanks.
    """
    assert 15 == layout_length(LAYOUT)
    assert TEXT == write_layout(LAYOUT, {**VALUES, "number": "42"})
    assert VALUES == read_layout(LAYOUT, TEXT)


def test_text_too_long_is_cut() -> None:
    """
    A name wider than its place loses its end, and no place moves.
    """
    assert "0042ID A1 BU** " == write_layout(LAYOUT, {**VALUES, "letters": "ID   more"})
    assert "SANTO" == write_layout(LAYOUT, {**VALUES, "free": "SANTOSO"})[10:]


@pytest.mark.parametrize("number", ["12345", "-1", "+1", "1.0", " 1", "", "\u0661", "\u00b2"])
def test_number_that_does_not_fit_is_refused(number: str) -> None:
    """
    A number is never cut: too long, signed or of foreign digits is an error.
    """
    with pytest.raises(ValueError, match="number does not fit 4 digits"):
        write_layout(LAYOUT, {**VALUES, "number": number})


@pytest.mark.parametrize("length", [0, 14, 16])
def test_text_of_other_length_is_refused(length: int) -> None:
    """
    One character too few or too many shifts all; the lengths are said.
    """
    with pytest.raises(ValueError, match=f"has {length} characters, not 15"):
        read_layout(LAYOUT, "0" * length)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("004 ID A1 BU** ", "number"),
        ("00\u0664\u0662ID A1 BU** ", "number"),
        ("0042I1 A1 BU** ", "letters"),
        ("0042ID A-1BU** ", "mixed"),
        ("0042ID A1 BU\n* ", "free"),
        ("0042ID A1 BUÉ* ", "free"),
    ],
)
def test_place_of_another_class_is_named(text: str, place: str) -> None:
    """
    The refusal has the name of the place and nothing of its content.
    """
    with pytest.raises(ValueError, match=f"^{place} is not of class [a-z]+$"):
        read_layout(LAYOUT, text)


NARROW = (LayoutField("id", 4, "n"), LayoutField("name", 6, "ans"), LayoutField("kind", 1, "a"))


@given(
    st.integers(0, 9999),
    st.text("ABC abc-*", max_size=6).map(str.rstrip),
    st.sampled_from(["A", "b", ""]),
)
def test_values_are_read_as_written(number: int, name: str, kind: str) -> None:
    """Numbers get zeros before them, texts lose nothing but trailing spaces."""
    text = write_layout(NARROW, {"id": str(number), "name": name, "kind": kind})

    assert 11 == len(text) == layout_length(NARROW)
    assert {"id": f"{number:04d}", "name": name, "kind": kind} == read_layout(NARROW, text)


@given(st.integers(-10, 10**5), st.text(" ABC%", max_size=8), st.text(" AB%d", max_size=8))
def test_form_says_what_the_layout_says(number: int, letters: str, free: str) -> None:
    """
    With some values written before, the text is the same, or the same number is refused.
    """
    form = LayoutForm(LAYOUT, {"mixed": "A%d"}, ("free", "letters"), ("number",))
    values = {"number": str(number), "letters": letters, "mixed": "A%d", "free": free}

    if 0 <= number < 10**4:
        assert write_layout(LAYOUT, values) == form.filled((free, letters, number))
    else:
        with pytest.raises(ValueError, match="number does not fit 4 digits"):
            form.filled((free, letters, number))


def test_form_of_a_number_too_long_is_refused() -> None:
    """
    What is written before must fit its place, too.
    """
    with pytest.raises(ValueError, match="number does not fit 4 digits"):
        LayoutForm(LAYOUT, {"number": "12345", "mixed": ""}, ("letters", "free"), ())


@given(st.text("0123456789A٣ ", max_size=6), st.integers(-10, 10**6))
def test_form_takes_any_value_in_a_place_of_any_class(digits: str, count: int) -> None:
    """
    A text of digits in a place of class n gets its zeros, a count in one of text is cut as a text.
    """
    form = LayoutForm(LAYOUT, {"letters": "A", "mixed": "1"}, ("number",), ("free",))
    values = {"number": digits, "letters": "A", "mixed": "1", "free": str(count)}

    if 0 < len(digits) <= 4 and digits.isdecimal() and digits.isascii():
        assert write_layout(LAYOUT, values) == form.filled((digits, count))
    else:
        with pytest.raises(ValueError, match="number does not fit 4 digits"):
            form.filled((digits, count))

"""Claims about fixed layouts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.layout import layout_length, read_layout, write_layout
from atm_switch.profile.model import LayoutField

LAYOUT = (LayoutField("id", 4, "n"), LayoutField("name", 6, "ans"), LayoutField("kind", 1, "a"))


@given(
    st.integers(0, 9999),
    st.text("ABC abc-*", max_size=6).map(str.rstrip),
    st.sampled_from(["A", "b", ""]),
)
def test_values_are_read_as_written(number: int, name: str, kind: str) -> None:
    """Numbers get zeros before them, texts lose nothing but trailing spaces."""
    text = write_layout(LAYOUT, {"id": str(number), "name": name, "kind": kind})

    assert 11 == len(text) == layout_length(LAYOUT)
    assert {"id": f"{number:04d}", "name": name, "kind": kind} == read_layout(LAYOUT, text)


def test_text_too_long_is_cut_number_too_long_is_refused() -> None:
    """Half a name is a name; half a number is a lie."""
    assert "0001ABCDEFx" == write_layout(LAYOUT, {"id": "1", "name": "ABCDEFGH", "kind": "x"})
    with pytest.raises(ValueError, match="id does not fit"):
        write_layout(LAYOUT, {"id": "12345", "name": "", "kind": ""})
    with pytest.raises(ValueError, match="id does not fit"):
        write_layout(LAYOUT, {"id": "-1", "name": "", "kind": ""})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("000", "3 characters"),
        ("00x1ABCDEFA", "id"),
        ("0001ABC\nEFA", "name"),
        ("0001ABCDEF1", "kind"),
    ],
)
def test_fault_names_its_place_only(text: str, named: str) -> None:
    """The place, not what stood there."""
    with pytest.raises(ValueError, match=named):
        read_layout(LAYOUT, text)

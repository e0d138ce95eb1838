"""Where a value is written."""

import json

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.settings.lines import Place, find_lines, line_of

TEXT = '''\
mode = "lab"  # not [a.header]
long = """
inner = 1
[not_a_table]
"""
many = [
  "a",  # with ] a bracket
  "b",
]

[limits]
in_flight_max = 3
"quoted.key" = 1
dotted.inner = 2

[[banks]]
id = "1"
[banks.inner]
deep = true
[[banks]]
id = '2'
'''


def test_finds_keys_of_plain_tables() -> None:
    """Top-level keys, sections, quoted and dotted keys are on their own lines."""
    lines = find_lines(TEXT)

    assert 1 == lines["mode",]
    assert 6 == lines["many",]
    assert 12 == lines["limits", "in_flight_max"]
    assert 13 == lines["limits", "quoted.key"]
    assert 14 == lines["limits", "dotted", "inner"]


def test_finds_keys_of_listed_tables() -> None:
    """Tables of one name are told apart by their number, counted from 0."""
    lines = find_lines(TEXT)

    assert (17, 21) == (lines["banks", 0, "id"], lines["banks", 1, "id"])
    assert 19 == lines["banks", 0, "inner", "deep"]


def test_reads_no_key_inside_strings() -> None:
    """What looks like a key inside a long string is none."""
    lines = find_lines(TEXT)

    assert ("inner",) not in lines
    assert ("not_a_table",) not in lines


def test_missing_keys_are_placed_on_their_table() -> None:
    """A key that is not there is mended where its table begins."""
    lines = find_lines(TEXT)

    assert 20 == line_of(("banks", 1, "name"), lines)
    assert 11 == line_of(("limits", "idle_seconds_max"), lines)
    assert line_of(("nowhere", "at_all"), lines) is None


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=8))
def test_every_key_is_on_the_line_found(table: dict[str, str]) -> None:
    """Whatever the keys and texts, the line found is the one the key was written on."""
    pairs = [(_quote(key), _quote(value)) for key, value in table.items()]
    text = "[section]\n" + "".join(f"{key} = {value} # x = 1\n\n" for key, value in pairs)

    lines = find_lines(text)

    expected: dict[Place, int] = {("section",): 1}
    expected |= {("section", key): 2 + 2 * at for at, key in enumerate(table)}
    assert expected == lines


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

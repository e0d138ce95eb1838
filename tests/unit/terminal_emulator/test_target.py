"""Claims about target files: what somebody else's host knows, and mistakes in saying so."""

from pathlib import Path

import pytest

from atm_switch.domain.errors import Refused
from terminal_emulator.scenario.target import TARGET_EXAMPLE, read_target


def test_example_is_a_target(tmp_path: Path) -> None:
    """What is printed to begin from can be read, and says what it seems to say."""
    (tmp_path / "theirs.toml").write_text(TARGET_EXAMPLE)

    target = read_target(tmp_path / "theirs.toml")

    assert {"approved", "blocked"} == set(target.cards)
    assert {"mac", "repeat", "sample"} == target.without
    assert ("91", "00") == (target.code("58"), target.code("00"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("withut = []", "'withut' is no key; there are without, codes, cards"),
        ("without = 5", "without is a list of tags"),
        ("without = [5]", "without is a list of tags"),
        ("codes = 5", "codes is a table of texts"),
        ("[codes]\n58 = 91", "codes is a table of texts, in quotes"),
        ("cards = 5", "roles are not in a table"),
        ("[cards.rich]\npan = '1'", "'rich' is no role; there are approved"),
        ("[cards]\napproved = '9990090000000012'", "cards.approved is a table of texts"),
        ("[cards.approved]\npan = 9990090000000012", "cards.approved is a table of texts"),
        ("[cards.approved]\npin = '1234'", "cards.approved has a pan of digits"),
        ("[cards.approved]\npan = '1'\npvv = '1'", "may have pin and kpj"),
        ("[cards", "at end of document"),
    ],
)
def test_mistakes_are_named_with_what_to_do(tmp_path: Path, text: str, sentence: str) -> None:
    """One sentence, no traceback, no card number, and where a good file comes from."""
    (tmp_path / "theirs.toml").write_text(text)

    with pytest.raises(Refused) as told:
        read_target(tmp_path / "theirs.toml")

    assert sentence in str(told.value)
    assert "terminal-emulator scenario target" in str(told.value)
    assert "9990090000000012" not in str(told.value)


def test_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    """Both in a sentence."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")

    for name, sentence in (("nowhere", "No such file"), ("binary", "is no text in UTF-8")):
        with pytest.raises(Refused, match=sentence):
            read_target(tmp_path / name)

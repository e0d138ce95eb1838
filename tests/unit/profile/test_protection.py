"""Claims about a profile's ``[security]``: what is refused, and what the sheet says."""

import pytest

from atm_switch.profile.load import ProfileWrong, load_profile
from atm_switch.profile.model import SecurityRules
from atm_switch.profile.protection import pin_block_bytes, protection_lines
from atm_switch.profile.shipped import profile_text


def changed(text: str) -> tuple[str, ...]:
    """Lay ``text`` over the default profile; return the problems."""

    def text_of(name: str) -> str:
        if name != "changed":
            return profile_text(name)
        return f'extends = "bpjstk-jht-v1"\nname = "changed"\n{text}'

    try:
        load_profile("changed", text_of)
    except ProfileWrong as wrong:
        return wrong.problems
    return ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('mac_algorithm = "x9.9"', "security.mac_algorithm must be one of x9.19, aes-cmac"),
        ("pin_block_formats = []", "security.pin_block_formats may hold 0, 1, 3, 4"),
        ('pin_block_formats = ["2"]', "security.pin_block_formats may hold 0, 1, 3, 4"),
        ('key_request = "001"', "security.key_request and key_delivery must differ"),
        ('key_delivery = ["161"]', "security.key_request and key_delivery must differ"),
        ('key_delivery = ["16"]', "security.key_request and key_delivery must hold codes"),
        ("key_delivery = []", "security.key_request and key_delivery must hold codes"),
        ("key_element = 44", "security.key_element must be of class ans and hold 400"),
        ("key_element = 119", "security.key_element must be of class ans and hold 400"),
        ('key_layout = "key"', "security.key_layout must be one of check+block"),
        ("key_overlap_seconds = -1", "security.key_overlap_seconds must be 0 or more"),
        ('mac_padding = "1"', "security.mac_padding is not known here"),
    ],
)
def test_impossible_rule_is_named(line: str, problem: str) -> None:
    """Whatever cannot be is named with what may be."""
    (found,) = changed(f"[security]\n{line}")

    assert found.startswith(problem)


def test_format_four_stands_alone() -> None:
    """A block of 16 bytes cannot share DE52 with blocks of 8."""
    problems = changed('[security]\npin_block_formats = ["0", "4"]')

    assert any("4 has 16 bytes and stands alone" in problem for problem in problems)


def test_format_four_wants_a_longer_element() -> None:
    """DE52 is as long as the block of the format."""
    rule = '[security]\npin_block_formats = ["4"]\n'
    element = '[elements]\n52 = { name = "PIN block", class = "b", length = 16, show = "hidden" }'

    assert ("elements.52 must be fixed, class b, length 16",) == changed(rule)
    assert () == changed(rule + element)


def test_profile_without_the_table_has_the_defaults() -> None:
    """A profile of the first release, which knew no such table, still loads."""

    def text_of(name: str) -> str:
        text = profile_text(name)
        start = text.index("[security]")
        return text[:start] + text[text.index("[inquiry]", start) :]

    profile = load_profile("bpjstk-jht-v1", text_of)

    assert SecurityRules() == profile.security == load_profile("bpjstk-jht-v1").security
    assert 8 == pin_block_bytes(profile)


@pytest.mark.parametrize(
    ("algorithm", "formats", "letters"),
    [("x9.19", ("0",), "TT"), ("aes-cmac", ("4",), "AA"), ("aes-cmac", ("0", "3"), "AT")],
)
def test_rules_tell_which_keys_they_need(
    algorithm: str, formats: tuple[str, ...], letters: str
) -> None:
    """CMAC and format 4 want AES keys, the others TDES."""
    rules = SecurityRules(mac_algorithm=algorithm, pin_block_formats=formats)

    assert letters == rules.mac_key_algorithm + rules.pin_key_algorithm


def test_sheet_says_it_in_words() -> None:
    """The interface sheet names MAC, PIN block and key delivery."""
    text = "\n".join(protection_lines(load_profile("bpjstk-jht-v1")))

    for word in ("x9.19", "format 0", "161", "162, 101", "DE048", "300 s"):
        assert word in text

"""The interface sheet: it says what the profile says, all of it."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Profile
from atm_switch.profile.sheet import sheet
from atm_switch.profile.shipped import shipped_profiles
from tests.unit.profile.variant import variant

PROFILE = load_profile("bpjstk-jht-v1")
PAGE = sheet(PROFILE)


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_profile_has_a_sheet(name: str) -> None:
    """
    The sheet names its profile and has every section once.
    """
    page = sheet(load_profile(name))

    assert f"Profile `{name}`" in page
    titles = [line for line in page.splitlines() if line.startswith("## ")]
    assert 12 == len(titles) == len(set(titles))


def test_sheet_shows_who_must_send_what() -> None:
    """
    M, O and E stand where the rules say; an element nobody uses has no row.
    """
    assert "| 2 | Primary account number | n | LLVAR 1-19 |  | M | O |  | E | E |" in PAGE
    assert "| 52 | PIN block | b | 8 |  | O | O |  |  |  |" in PAGE
    assert "| 39 | Response code | an | 2 |  |  | O | R | R | R |" in PAGE
    assert "Account 1" not in PAGE


def test_sheet_lays_out_both_directions() -> None:
    """
    The places of DE48 are counted from one to forty and to 153.
    """
    assert "| 7-17 | 11 | n | kpj |" in PAGE
    assert "| 39-40 | 2 | n | receipt_width |" in PAGE
    assert "| 142-153 | 12 | an | host_reference |" in PAGE


def test_sheet_has_every_outcome_in_order() -> None:
    """
    The rows are sorted by DE39 and have both languages.
    """
    rows = PAGE.split("## Outcomes (DE39)")[1].split("##")[0].strip().splitlines()[2:]

    codes = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert sorted(row.code for row in PROFILE.outcomes.values()) == codes
    assert "| 55 | wrong pin | PIN salah | Incorrect PIN |" in rows


def test_sheet_repeats_what_is_assumed() -> None:
    """
    No assumption of the profile is lost on the way to the bank.
    """
    assert all(f"- {line}" in PAGE for line in PROFILE.assumed)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (PROFILE, "- length header: binary-big-endian, 2 bytes, not counting itself"),
        (load_profile("bpjstk-jht-v1-ebcdic"), "5 bytes before the MTI, TPDU, addresses swapped"),
        (
            variant('[framing]\nheader_bytes = 3\nheader_own = "49534f"\ntrailer = "03"'),
            "- header: 3 bytes before the MTI, put back\n- trailer: hexadecimal 03, counted",
        ),
        (
            variant('[framing]\ntrailer = "03"\ncounts_trailer = false'),
            "- trailer: hexadecimal 03, not counted",
        ),
    ],
)
def test_sheet_tells_the_framing(profile: Profile, words: str) -> None:
    """
    Length, header and trailer read as the switch will speak them.
    """
    assert words in sheet(profile)

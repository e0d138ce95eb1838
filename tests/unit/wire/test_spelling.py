"""What the messages of a profile share is looked up once."""

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.spelling import Spelling


def test_characters_are_written_in_the_encoding_of_the_profile() -> None:
    """ASCII as it is, EBCDIC by its table."""
    assert b"S1 A" == Spelling.of(load_profile("bpjstk-jht-v1")).written("S1 A")
    assert "S1 A".encode("cp500") == Spelling.of(load_profile("bpjstk-jht-v1-ebcdic")).written(
        "S1 A"
    )


def test_characters_no_profile_has_are_refused() -> None:
    """Beyond Latin-1 there is no byte to judge."""
    with pytest.raises(UnicodeEncodeError):
        Spelling.of(load_profile("bpjstk-jht-v1")).written("Ł")


def test_spellings_are_the_same_by_identity() -> None:
    """Two readings of one profile do not share layouts."""
    profile = load_profile("bpjstk-jht-v1")

    assert Spelling.of(profile) != Spelling.of(profile)

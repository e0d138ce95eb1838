"""The files of ``specs/`` are found, and asking for others is refused."""

import pytest

from atm_switch.profile import shipped
from atm_switch.profile.shipped import (
    profile_text,
    shipped_profiles,
    spec_text,
    specs_folder,
)


def test_four_profiles_ship_in_order() -> None:
    """
    The default, the packed one, the mainframe's, and the one of the golden vectors.
    """
    ends = ("", "-bcd", "-ebcdic", "-golden")

    assert tuple(f"bpjstk-jht-v1{end}" for end in ends) == shipped_profiles()


def test_specs_are_found_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The place does not hang on the working directory.
    """
    before = specs_folder()

    monkeypatch.chdir("/")

    assert before == specs_folder()
    assert "year" in spec_text("development-rates.csv")


@pytest.mark.parametrize("name", ["", "nobody", "../profiles/bpjstk-jht-v1", "bpjstk-jht-v1.toml"])
def test_name_that_does_not_ship_is_refused(name: str) -> None:
    """
    Only the listed names lead to a file: no path gets through.
    """
    with pytest.raises(LookupError, match="there are bpjstk-jht-v1, "):
        profile_text(name)


def test_broken_installation_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without ``specs/`` the sentence says what to do.
    """
    monkeypatch.setattr(shipped, "_PLACES", ())

    with pytest.raises(FileNotFoundError, match="install atm-switch again"):
        specs_folder()

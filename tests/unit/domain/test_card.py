"""Claims about PAN, expiry and track 2: impossible ones cannot exist, none can be printed."""

import json
import pickle

import pytest

from atm_switch.domain.card import Expiry, Pan, Track2, luhn_digit, luhn_is_right

DIGITS = "9990090000000012"


@pytest.mark.parametrize(
    "digits", ["9990090000000013", "999009000000001", "9" * 20, "", "99900900000000x2"]
)
def test_impossible_pan_cannot_exist(digits: str) -> None:
    """Wrong check digit, too short, too long, not digits; the error quotes nothing."""
    with pytest.raises(ValueError, match="PAN") as refused:
        Pan(digits)

    assert not digits or digits not in str(refused.value)


def test_pan_prints_as_its_mask_only() -> None:
    """Whatever is asked of it, the middle digits stay hidden."""
    pan = Pan(DIGITS)

    printed = [repr(pan), str(pan), f"{pan}", f"{pan!r:>30}", pan.masked, repr([pan])]

    assert not any(DIGITS in text for text in printed)
    assert "999009******0012" == pan.masked


def test_pan_does_not_leave_the_process() -> None:
    """Neither pickle nor JSON takes it."""
    with pytest.raises(TypeError):
        pickle.dumps(Pan(DIGITS))
    with pytest.raises(TypeError):
        json.dumps(Pan(DIGITS))


@pytest.mark.parametrize(
    ("yymm", "year", "month", "past"),
    [
        ("2611", 2026, 11, False),
        ("2610", 2026, 11, True),
        ("2612", 2026, 11, False),
        ("2512", 2026, 1, True),
        ("0101", 2099, 12, False),
        ("9912", 2100, 1, True),
        ("4912", 2000, 1, False),
    ],
)
def test_card_is_good_through_its_last_month(
    yymm: str, year: int, month: int, *, past: bool
) -> None:
    """The month itself still counts; the century is the nearest."""
    assert past == Expiry(yymm).is_past(year, month)


@pytest.mark.parametrize("yymm", ["2600", "2613", "26", "26AB", "", "02611"])
def test_impossible_month_cannot_exist(yymm: str) -> None:
    """Months run from 01 to 12."""
    with pytest.raises(ValueError, match="YYMM"):
        Expiry(yymm)


@pytest.mark.parametrize("separator", ["=", "D"])
def test_track_2_is_read_and_never_shown(separator: str) -> None:
    """Both separators; its repr holds nothing."""
    track = Track2(f"{DIGITS}{separator}30121019876543")

    assert (DIGITS, "3012") == (track.pan_digits, track.expiry_yymm)
    assert "<Track2>" == repr(track)


@pytest.mark.parametrize("text", ["", DIGITS, f"{DIGITS}^3012101", f"{DIGITS}=3012"])
def test_impossible_track_cannot_exist(text: str) -> None:
    """No separator, another one, too little behind it."""
    with pytest.raises(ValueError, match="track 2"):
        Track2(text)


@pytest.mark.parametrize("body", ["999009000000001", "7992739871", "0"])
def test_luhn_digit_makes_the_number_right(body: str) -> None:
    """One digit fits, the nine others do not."""
    right = luhn_digit(body)

    assert [right] == [digit for digit in "0123456789" if luhn_is_right(body + digit)]

"""Claims about the keys a terminal takes from its host, and those it does not."""

import hashlib
from typing import TYPE_CHECKING

import pytest

from atm_switch.domain.secret import Key
from atm_switch.messages.key_delivery import Delivery
from atm_switch.profile.load import load_profile
from atm_switch.profile.shipped import profile_text
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, wrap
from terminal_emulator.keys import TerminalKeys

if TYPE_CHECKING:
    from collections.abc import Callable

PROFILE = load_profile("bpjstk-jht-v1", profile_text)
EXCHANGE = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
OLD = Key.from_hex("10325476983254769876BADC10325476")
NEW = Key.from_hex("2A4C6E8091B3D5F7EFCDAB8967452301")
EVEN = Key.from_hex("2B4C6E8091B3D5F7EFCDAB8967452301")


def chance(count: int) -> bytes:
    """Return so many bytes, the same each time."""
    return hashlib.sha256(b"a delivery").digest()[:count]


def delivery(key: Key, usage: str = "M3", mode: str = "C") -> str:
    """Write the element that delivers a key."""
    block = KeyBlock(usage, "T", mode, "00", "E", key)
    text = wrap(EXCHANGE, block, chance)
    return Delivery(key_check_value(key, "T"), text).text(PROFILE.security.key_layout)


def holder(kept: list[str]) -> TerminalKeys:
    """Return a terminal's keys that note what they write down."""
    keep: Callable[[str, Key, str], None] = lambda name, _key, check: kept.append(f"{name} {check}")  # noqa: E731
    return TerminalKeys(mac=(OLD,), exchange=EXCHANGE, keep=keep)


def test_delivered_key_stands_before_the_old() -> None:
    """
    A delivered MAC key is written down and signs from now on; the old one still verifies.
    """
    kept: list[str] = []
    keys = holder(kept)

    name = keys.take(delivery(NEW), PROFILE)

    assert "mac_key" == name
    assert [NEW.reveal(), OLD.reveal()] == [key.reveal() for key in keys.mac]
    assert [f"mac_key {key_check_value(NEW, 'T')}"] == kept


def test_same_delivery_twice_keeps_the_old_key() -> None:
    """
    A delivery repeated because its answer was lost changes nothing: the old key is still there.
    """
    kept: list[str] = []
    keys = holder(kept)

    for _ in range(2):
        keys.take(delivery(NEW), PROFILE)

    assert [NEW.reveal(), OLD.reveal()] == [key.reveal() for key in keys.mac]
    assert 1 == len(kept)


@pytest.mark.parametrize(("usage", "mode"), [("P0", "D"), ("P0", "C"), ("M3", "G"), ("M3", "V")])
def test_key_for_half_the_work_is_refused(usage: str, mode: str) -> None:
    """
    A key whose mode of use does not let the terminal do its work is not taken.
    """
    kept: list[str] = []

    with pytest.raises(ValueError, match="mode of use does not fit"):
        holder(kept).take(delivery(NEW, usage, mode), PROFILE)

    assert [] == kept


def test_key_of_even_parity_is_refused() -> None:
    """
    A key that was spoilt on its way, as its parity tells, is not taken.
    """
    kept: list[str] = []

    with pytest.raises(ValueError, match="odd parity"):
        holder(kept).take(delivery(EVEN), PROFILE)

    assert [] == kept


def test_key_of_equal_halves_is_refused() -> None:
    """
    Single DES in disguise is not taken.
    """
    single = Key(NEW.reveal()[:8] * 2)

    with pytest.raises(ValueError, match=r"half|halves|single|equal"):
        holder([]).take(delivery(single), PROFILE)

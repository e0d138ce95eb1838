"""Claims about PIN translation: PCI PIN 3-3, and what a translated block holds."""

import inspect
from itertools import product

import pytest

from atm_switch.domain.card import Pan, luhn_digit
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security.pin_formats import PinFormat, decipher_pin, encipher_pin
from atm_switch.security.pin_translation import require_allowed, translate

ZERO, ONE, THREE, FOUR = PinFormat.ZERO, PinFormat.ONE, PinFormat.THREE, PinFormat.FOUR
PAN = Pan("999009123456789" + luhn_digit("999009123456789"))
OTHER_PAN = Pan("999009987654321" + luhn_digit("999009987654321"))
SOURCE = {fmt: Key.from_hex("0123456789ABCDEFFEDCBA9876543210") for fmt in PinFormat}
TARGET = {
    fmt: Key(bytes(range(32))) if fmt is FOUR else Key(bytes(range(16, 40))) for fmt in PinFormat
}
ALLOWED = [pair for pair in product(PinFormat, PinFormat) if pair[1] is not ONE]


def chance(size: int) -> bytes:
    """Give chance without surprises."""
    return bytes(range(size))


def block_in(fmt: PinFormat, digits: bytes = b"123456") -> PinBlock:
    """A terminal's block."""
    return PinBlock.from_hex(encipher_pin(fmt, Pin(digits), PAN, SOURCE[fmt], chance))


@pytest.mark.parametrize("source", PinFormat)
def test_nothing_is_made_into_format_1(source: PinFormat) -> None:
    """Format 1 holds no PAN, so no block may become one."""
    with pytest.raises(ValueError, match=f"format {source.value} is not made into format 1"):
        require_allowed(source, ONE)
    with pytest.raises(ValueError, match="is not made into format 1"):
        translate(
            block_in(source), PAN, SOURCE[source], frozenset({source}), TARGET[ONE], ONE, chance
        )


@pytest.mark.parametrize(("source", "target"), ALLOWED)
def test_allowed_translation_keeps_the_pin(source: PinFormat, target: PinFormat) -> None:
    """All that may be translated arrives whole, in the format asked for."""
    require_allowed(source, target)

    text = translate(
        block_in(source),
        PAN,
        SOURCE[source],
        frozenset({source}),
        TARGET[target],
        target,
        chance,
    )

    assert text is not None
    found = decipher_pin(PinBlock.from_hex(text), PAN, TARGET[target], frozenset({target}))
    assert found is not None
    assert b"123456" == found.reveal()


@pytest.mark.parametrize("source", [ZERO, THREE, FOUR])
def test_block_of_another_card_is_not_translated(source: PinFormat) -> None:
    """A block under the wrong PAN yields nothing."""
    text = translate(
        block_in(source, b"1234"),
        OTHER_PAN,
        SOURCE[source],
        frozenset({source}),
        TARGET[ZERO],
        ZERO,
        chance,
    )

    assert text is None


def test_format_not_allowed_is_not_translated() -> None:
    """A line that sends format 0 cannot have its block taken for format 1."""
    text = translate(block_in(ONE), PAN, SOURCE[ONE], frozenset({ZERO}), TARGET[ZERO], ZERO, chance)

    assert text is None


def test_change_of_pan_cannot_be_said() -> None:
    """There is one PAN among the arguments, for both sides."""
    kinds = [one.annotation for one in inspect.signature(translate).parameters.values()]

    assert 1 == kinds.count(Pan)


def test_unusable_target_key_is_refused() -> None:
    """A key that cannot encipher is an error, not a wrong PIN."""
    with pytest.raises(ValueError, match="TDES key"):
        translate(block_in(ZERO), PAN, SOURCE[ZERO], frozenset({ZERO}), Key(bytes(8)), ZERO, chance)

"""Claims about secrets: no printable form, no serialised form, wiped for good."""

import json
import pickle

import pytest

from atm_switch.domain.secret import Key, Pin, PinBlock, Secret

KINDS = (Secret, Key, Pin, PinBlock)


@pytest.mark.parametrize("kind", KINDS)
def test_secret_prints_as_its_type(kind: type[Secret]) -> None:
    """Whatever the format, nothing of the content."""
    secret = kind(b"314159")

    for text in (repr(secret), str(secret), f"{secret:>40}", f"{secret!s}", repr([secret])):
        assert "314159" not in text
        assert "333134" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_secret_is_not_serialised(kind: type[Secret]) -> None:
    """Pickle and JSON refuse it."""
    with pytest.raises(TypeError):
        pickle.dumps(kind(b"1"))
    with pytest.raises(TypeError):
        json.dumps(kind(b"1"))


def test_wiped_secret_is_zeros_of_its_length() -> None:
    """The buffer itself is overwritten."""
    secret = Pin(b"123456")
    buffer = secret._buffer

    secret.wipe()

    assert bytes(6) == bytes(buffer) == secret.reveal()
    assert 6 == len(secret)


def test_hexadecimal_that_is_none_is_not_quoted() -> None:
    """The error does not say what it got."""
    with pytest.raises(ValueError, match="not hexadecimal") as refused:
        Key.from_hex("00112233445566zz")

    assert "zz" not in str(refused.value)
    assert refused.value.__cause__ is None

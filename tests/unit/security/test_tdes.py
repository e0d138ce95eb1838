"""Claims about triple DES, parity and check values (vectors: security.md 1.2)."""

import pytest

from atm_switch.domain.secret import Key
from atm_switch.security import tdes

DOUBLE = "0123456789ABCDEFFEDCBA9876543210"
TRIPLE = DOUBLE + "89ABCDEF01234567"
EQUAL_HALVES = "0123456789ABCDEF0123456789ABCDEF"
EQUAL_BUT_FOR_PARITY = "0123456789ABCDEF0022446688AACCEE"


def test_check_value_matches_published_vector() -> None:
    """The check value of the textbook key is the published 08D7B4."""
    assert "08D7B4" == tdes.check_value(Key.from_hex(DOUBLE))


def test_double_length_is_first_half_again() -> None:
    """K1|K2 works exactly as K1|K2|K1."""
    block = bytes(range(8))

    double = tdes.encrypt(Key.from_hex(DOUBLE), block)
    triple = tdes.encrypt(Key.from_hex(DOUBLE + DOUBLE[:16]), block)

    assert triple == double


@pytest.mark.parametrize("key", [DOUBLE, TRIPLE], ids=["double", "triple"])
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_decrypt_undoes_encrypt(key: str, blocks: int) -> None:
    """What was enciphered comes back, block by block."""
    clear = bytes(range(8 * blocks))

    cipher = tdes.encrypt(Key.from_hex(key), clear)

    assert clear != cipher
    assert clear == tdes.decrypt(Key.from_hex(key), cipher)


@pytest.mark.parametrize(
    "key",
    [
        "0123456789ABCDEF",
        "",
        DOUBLE + "01",
        EQUAL_HALVES,
        EQUAL_BUT_FOR_PARITY,
        DOUBLE[:16] + DOUBLE[:16] + DOUBLE[16:],
        DOUBLE + DOUBLE[16:],
    ],
    ids=["single", "empty", "odd length", "halves", "parity only", "K1=K2", "K2=K3"],
)
def test_single_des_in_disguise_is_refused(key: str) -> None:
    """No key that amounts to single DES works, and the error keeps the key to itself."""
    with pytest.raises(ValueError, match="TDES key") as caught:
        tdes.encrypt(Key.from_hex(key), bytes(8))

    assert not key or key.lower() not in str(caught.value).lower()


@pytest.mark.parametrize("length", [0, 1, 7, 9, 15])
def test_broken_blocks_are_refused(length: int) -> None:
    """TDES takes whole blocks only, both ways."""
    key = Key.from_hex(DOUBLE)

    with pytest.raises(ValueError, match="whole blocks"):
        tdes.encrypt(key, bytes(length))
    with pytest.raises(ValueError, match="whole blocks"):
        tdes.decrypt(key, bytes(length))


def test_odd_parity_is_set_and_found() -> None:
    """Adjusting touches lowest bits only, and the result passes the check."""
    key = Key.from_hex("00FF0123456789ABCDEFFEDCBA987654")

    adjusted = tdes.with_odd_parity(key)

    assert not tdes.has_odd_parity(key)
    assert tdes.has_odd_parity(adjusted)
    assert all(
        before | 1 == after | 1
        for before, after in zip(key.reveal(), adjusted.reveal(), strict=True)
    )


def test_parity_of_sound_key_stays() -> None:
    """A key of odd parity comes back as it was."""
    key = Key.from_hex(DOUBLE)

    assert tdes.has_odd_parity(key)
    assert key.reveal() == tdes.with_odd_parity(key).reveal()


def test_parity_bits_do_not_change_cipher() -> None:
    """DES does not read parity bits, so the check value is that of the adjusted key."""
    key = Key.from_hex("0022446688AACCEEFEDCBA9876543210")

    assert tdes.check_value(tdes.with_odd_parity(key)) == tdes.check_value(key)


def test_wiped_buffer_holds_zeros_only() -> None:
    """Wiping works in the same buffer and keeps its length."""
    buffer = bytearray(b"\x04\x12\x34")

    tdes.wipe_buffer(buffer)

    assert bytearray(3) == buffer


FIRST, SECOND, THIRD = bytes(range(8)), bytes(range(40, 48)), bytes(range(80, 88))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (FIRST + SECOND, FIRST + SECOND + FIRST, True),
        (FIRST + SECOND, bytes(octet ^ 1 for octet in FIRST + SECOND), True),
        (FIRST + SECOND, SECOND + FIRST, False),
        (FIRST + SECOND, FIRST + SECOND + THIRD, False),
        (FIRST + SECOND + THIRD, FIRST + SECOND + THIRD, True),
    ],
)
def test_keys_are_same_when_they_encipher_alike(
    one: bytes, other: bytes, *, expected: bool
) -> None:
    """Parity and length do not make two keys of one: what they encipher says the same."""
    texts = [tdes.encrypt(Key(key), bytes(range(16))) for key in (one, other)]

    assert expected is tdes.are_same(Key(one), Key(other))
    assert expected is (texts[0] == texts[1])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (FIRST + SECOND + FIRST, True),
        (FIRST + SECOND + bytes(octet ^ 1 for octet in FIRST), True),
        (FIRST + SECOND, False),
        (FIRST + SECOND + THIRD, False),
    ],
)
def test_double_length_key_is_known_at_triple(key: bytes, *, expected: bool) -> None:
    """K1|K2|K1 is told apart from three keys, whatever the parity."""
    assert expected is tdes.is_double_at_triple_length(Key(key))

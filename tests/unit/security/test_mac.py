"""Claims about the two MACs (vectors: security.md 1.2, RFC 4493 section 4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.secret import Key
from atm_switch.security.mac import MAC_BYTES, MacAlgorithm, mac, mac_matches

RETAIL_KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
CMAC_KEY = Key.from_hex("2b7e151628aed2a6abf7158809cf4f3c")
KEYS = {MacAlgorithm.X9_19: RETAIL_KEY, MacAlgorithm.AES_CMAC: CMAC_KEY}
RFC_4493_MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"Now is the time for all ", "A1C72E74EA3FA9B6"),
        (b"Now is the time for it", "2E2B1428CC78254F"),
    ],
    ids=["whole blocks", "padded"],
)
def test_retail_mac_matches_published_vectors(message: bytes, expected: str) -> None:
    """X9.19 with padding 1 gives the published values."""
    assert bytes.fromhex(expected) == mac(MacAlgorithm.X9_19, RETAIL_KEY, message)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
        (64, "51f0bebf7e3b9d92fc49741779363cfe"),
    ],
)
def test_cmac_is_left_half_of_rfc_4493(length: int, expected: str) -> None:
    """AES-CMAC gives the leftmost eight bytes of the four published values."""
    computed = mac(MacAlgorithm.AES_CMAC, CMAC_KEY, RFC_4493_MESSAGE[:length])

    assert bytes.fromhex(expected)[:8] == computed


@pytest.mark.parametrize("algorithm", MacAlgorithm)
def test_genuine_mac_matches(algorithm: MacAlgorithm) -> None:
    """What mac makes, mac_matches accepts."""
    made = mac(algorithm, KEYS[algorithm], b"0200")

    assert MAC_BYTES == len(made)
    assert mac_matches(algorithm, KEYS[algorithm], b"0200", made)


@pytest.mark.parametrize("algorithm", MacAlgorithm)
def test_every_flipped_bit_is_noticed(algorithm: MacAlgorithm) -> None:
    """No bit of message or MAC can be turned."""
    key, message = KEYS[algorithm], b"0200A238000108C00004"
    made = mac(algorithm, key, message)

    for bit in range(8 * len(message)):
        assert not mac_matches(algorithm, key, flipped(message, bit), made)
    for bit in range(8 * len(made)):
        assert not mac_matches(algorithm, key, message, flipped(made, bit))


def flipped(octets: bytes, bit: int) -> bytes:
    """Turn one bit."""
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("algorithm", MacAlgorithm)
def test_mac_of_other_length_is_wrong(algorithm: MacAlgorithm) -> None:
    """A MAC cut short, empty or grown never matches."""
    made = mac(algorithm, KEYS[algorithm], b"0200")

    assert not mac_matches(algorithm, KEYS[algorithm], b"0200", made[:4])
    assert not mac_matches(algorithm, KEYS[algorithm], b"0200", b"")
    assert not mac_matches(algorithm, KEYS[algorithm], b"0200", made + b"\x00")


def test_retail_padding_ignores_trailing_zero_bytes() -> None:
    """Padding 1 cannot see zero bytes at the end: the known limit, kept in view."""
    bare = mac(MacAlgorithm.X9_19, RETAIL_KEY, b"0200")

    assert bare == mac(MacAlgorithm.X9_19, RETAIL_KEY, b"0200\x00")


@pytest.mark.parametrize("length", [0, 8, 24])
def test_retail_key_is_double_length(length: int) -> None:
    """X9.19 takes 16 bytes and no other."""
    with pytest.raises(ValueError, match="16 bytes"):
        mac(MacAlgorithm.X9_19, Key(bytes(range(length))), b"0200")


def test_retail_key_halves_must_differ() -> None:
    """A retail MAC under equal halves would be a single DES MAC."""
    with pytest.raises(ValueError, match="single DES"):
        mac(MacAlgorithm.X9_19, Key(b"\x01\x23\x45\x67\x89\xab\xcd\xef" * 2), b"0200")


@pytest.mark.parametrize("length", [0, 8, 17])
def test_cmac_key_is_an_aes_key(length: int) -> None:
    """AES-CMAC takes AES keys only."""
    with pytest.raises(ValueError, match="an AES key"):
        mac(MacAlgorithm.AES_CMAC, Key(bytes(length)), b"0200")


@pytest.mark.parametrize("algorithm", MacAlgorithm)
@given(messages=st.lists(st.binary(max_size=40), min_size=2, max_size=6))
def test_mac_does_not_depend_on_what_the_key_was_used_for_before(
    algorithm: MacAlgorithm, messages: list[bytes]
) -> None:
    """What is kept with a key gives what a key gives that was never used."""
    used = Key(KEYS[algorithm].reveal())

    for message in messages:
        fresh = Key(KEYS[algorithm].reveal())
        assert mac(algorithm, fresh, message) == mac(algorithm, used, message)


def test_wiped_key_keeps_nothing() -> None:
    """Contexts go with the key that they were made of."""
    key = Key(RETAIL_KEY.reveal())
    mac(MacAlgorithm.X9_19, key, b"0200" * 8)
    assert key.kept

    key.wipe()

    assert not key.kept

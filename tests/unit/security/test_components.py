"""Claims about key components and check values (vectors: security.md 1.2, X9.24, payShield)."""

import pytest

from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import AES, TDES, combine, key_check_value

FIRST = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
SECOND = Key.from_hex("1F1F2020404080800101020204040808")
THIRD = Key.from_hex("F1E0D3C2B5A49786FEEFDCCDBAAB9889")


@pytest.mark.parametrize(
    ("key", "algorithm", "check"),
    [
        ("0123456789ABCDEFFEDCBA9876543210", TDES, "08D7B4"),
        ("6AC292FAA1315B4D858AB3A3D7D5933A", TDES, "AF8C07"),
        ("F039121BEC83D26B169BDCD5B22AAF8F", TDES, "CB9DEA"),
        ("3F419E1CB7079442AA37474C2EFBF8B8", TDES, "57C409"),
        ("3F419E1CB7079442AA37474C2EFBF8B8", AES, "08793E"),
        ("BE19E6A07A760F10EF8E83A226B63AAD141F463FDDD4F47DB244B4023EC3CACC", AES, "0A00E3"),
    ],
)
def test_check_values_match_published_vectors(key: str, algorithm: str, check: str) -> None:
    """TDES by enciphered zeros, AES by CMAC over zeros: what others compute too."""
    assert check == key_check_value(Key.from_hex(key), algorithm)


@pytest.mark.parametrize(
    ("size", "algorithm"), [(8, TDES), (32, TDES), (8, AES), (0, AES), (17, AES)]
)
def test_key_of_other_length_has_no_check_value(size: int, algorithm: str) -> None:
    """What is no key of the algorithm has no check value."""
    with pytest.raises(ValueError, match="key"):
        key_check_value(Key(bytes(range(size))), algorithm)


@pytest.mark.parametrize("algorithm", ["", "D", "t", "TA"])
def test_unknown_algorithm_is_refused(algorithm: str) -> None:
    """Algorithms are T and A."""
    with pytest.raises(ValueError, match=r"^an algorithm is T or A$"):
        key_check_value(FIRST, algorithm)
    with pytest.raises(ValueError, match=r"^an algorithm is T or A$"):
        combine([FIRST, SECOND], algorithm)


def test_two_components_are_xored_and_adjusted() -> None:
    """Two components of odd parity make a key of even parity, which is set right."""
    key = combine([FIRST, SECOND])

    raw = bytes(a ^ b for a, b in zip(FIRST.reveal(), SECOND.reveal(), strict=True))
    assert tdes.with_odd_parity(Key(raw)).reveal() == key.reveal()
    assert tdes.has_odd_parity(key)


def test_order_of_components_does_not_matter() -> None:
    """Whoever types first, the key is the same."""
    key = combine([FIRST, SECOND, THIRD])

    assert key.reveal() == combine([THIRD, FIRST, SECOND]).reveal()
    assert key_check_value(key, TDES) == key_check_value(combine([SECOND, THIRD, FIRST]), TDES)


@pytest.mark.parametrize("size", [16, 24, 32])
def test_aes_components_are_xored_only(size: int) -> None:
    """An AES key has no parity: every bit is the XOR's."""
    one, other = Key(bytes(range(size))), Key(bytes(range(100, 100 + size)))

    key = combine([one, other], AES)

    assert bytes(a ^ b for a, b in zip(one.reveal(), other.reveal(), strict=True)) == key.reveal()


@pytest.mark.parametrize("components", [[], [FIRST]])
def test_fewer_than_two_are_refused(components: list[Key]) -> None:
    """A single component would be the key, known to one person."""
    with pytest.raises(ValueError, match="two components or more"):
        combine(components)


@pytest.mark.parametrize(
    ("bad", "algorithm", "reason"),
    [
        (Key(bytes(16)), TDES, "component 2 is all zeros"),
        (Key(b"\x01" * 16), TDES, "component 2 is all zeros"),
        (Key(bytes(16)), AES, "component 2 is all zeros"),
        (Key(FIRST.reveal()), TDES, "component 2 is component 1 again"),
        (Key(FIRST.reveal()), AES, "component 2 is component 1 again"),
        (Key(bytes(range(16))), TDES, "component 2 does not have odd parity"),
        (Key(bytes(range(24))), AES, "component 2 is not as long as the first"),
        (Key(bytes(range(32))), TDES, "component 2 has a length no key"),
        (Key(bytes(range(8))), AES, "component 2 has a length no key"),
    ],
)
def test_bad_component_is_named_by_position(bad: Key, algorithm: str, reason: str) -> None:
    """The reason names the component by its place and quotes nothing of it."""
    with pytest.raises(ValueError, match=reason) as caught:
        combine([FIRST, bad], algorithm)

    assert bad.reveal().hex() not in str(caught.value)


def test_third_component_given_twice_is_found() -> None:
    """Not neighbours only are compared."""
    with pytest.raises(ValueError, match="component 3 is component 1 again"):
        combine([FIRST, SECOND, Key(FIRST.reveal())])


def test_components_that_make_single_des_are_refused() -> None:
    """What is made must be a key that may be used."""
    left, right = FIRST.reveal()[:8], SECOND.reveal()[:8]

    with pytest.raises(ValueError, match="single DES"):
        combine([Key(left + left), Key(right + right)])


def test_aes_components_that_cancel_out_are_refused() -> None:
    """Three that XOR to nothing make no key."""
    one, other = bytes(range(16)), bytes(range(100, 116))
    third = bytes(a ^ b for a, b in zip(one, other, strict=True))

    with pytest.raises(ValueError, match="a key of zeros"):
        combine([Key(one), Key(other), Key(third)], AES)

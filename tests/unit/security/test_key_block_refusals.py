"""Claims about key blocks that are refused, and about what the refusal says."""

import pytest

from atm_switch.domain.secret import Key
from atm_switch.security.components import AES, TDES
from atm_switch.security.key_block import _BINDINGS, KeyBlock, KeyBlockError, unwrap, wrap

A_7_2_2 = (
    "DD7515F2BFC17F85CE48F3CA25CB21F6",
    "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
)
DOUBLE = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
TRIPLE = Key.from_hex("0123456789ABCDEFFEDCBA987654321089ABCDEF01234567")


def chance(size: int) -> bytes:
    """Give chance without surprises."""
    return bytes(range(0x80, 0x80 + size))


def block_of(key: Key = DOUBLE, algorithm: str = TDES) -> KeyBlock:
    """Say that a key is for PINs."""
    return KeyBlock("P0", algorithm, "B", "00", "E", key)


def forged(kbpk: Key, attributes: str, clear: bytes) -> str:
    """Make an authentic block of version B around any clear key data."""
    binding = _BINDINGS["B"]
    header = f"B{32 + 2 * len(clear):04}{attributes}0000"
    mac = binding.mac(kbpk, header, bytearray(clear))
    encryptor = binding.enciphering(kbpk, mac).encryptor()
    return header + encryptor.update(clear).hex().upper() + mac.hex().upper()


@pytest.mark.parametrize("version", ["A", "C"])
def test_variant_bindings_are_refused_by_name(version: str) -> None:
    """Versions A and C are told to the operator for what they are."""
    with pytest.raises(KeyBlockError, match=f"version {version} is refused: send B or D"):
        unwrap(DOUBLE, version + A_7_2_2[1][1:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "B",
        "E0080P0TE00E0000" + 64 * "0",
        "b0080P0TE00E0000" + 64 * "0",
        "B0080P0TE00E0001" + 64 * "0",
        "B0080p0TE00E0000" + 64 * "0",
        "B0080P0RE00E0000" + 64 * "0",
        "B0080P0TEc1E0000" + 64 * "0",
        "B0080P0TE00X0000" + 64 * "0",
        "B+080P0TE00E0000" + 64 * "0",
        "B00\u0668\u0660P0TE00E0000" + 64 * "0",
        "B0080P0TE00E0000" + 63 * "0",
        "B0081P0TE00E0000" + 65 * "0",
        "B0016P0TE00E0000",
        "B0032P0TE00E0000" + 16 * "0",
        "B0080P0TE00E0000" + 63 * "0" + "\n",
        "B0080P0TE00E0000" + 64 * "f",
        "B0080P0TE00E0000" + 63 * "0" + "\uff10",
        "B0080P0TE00E0100" + 64 * "0",
        "B0080P0TE00E0100P!08" + 60 * "0",
        "B0080P0TE00E0100PB0g" + 60 * "0",
        "B0080P0TE00E0100PB03" + 60 * "0",
        "B0080P0TE00E0100PBFF" + 60 * "0",
        "B0080P0TE00E0100PB05" + 60 * "0",
        "B0080P0TE00E0100PB08\x00000" + 56 * "0",
        "B0080P0TE00E0100PB0000" + 58 * "0",
        "B0080P0TE00E0100PB0002000" + 55 * "0",
        "B0080P0TE00E0100PB0005000000000A" + 48 * "0",
        "B0080P0TE00E9900PB04" + 60 * "0",
    ],
)
def test_malformed_block_is_refused(text: str) -> None:
    """Whatever is no key block raises KeyBlockError, and nothing else."""
    with pytest.raises(KeyBlockError):
        unwrap(Key.from_hex(A_7_2_2[0]), text)


def test_lower_case_block_is_refused() -> None:
    """One spelling of a block is enough."""
    text = A_7_2_2[1][:16] + A_7_2_2[1][16:].lower()

    with pytest.raises(KeyBlockError, match="malformed"):
        unwrap(Key.from_hex(A_7_2_2[0]), text)


def test_version_must_fit_the_protection_key() -> None:
    """A protection key of AES opens no block of TDES, though it has 16 bytes."""
    with pytest.raises(KeyBlockError, match="not of its protection key's algorithm"):
        unwrap(Key.from_hex(A_7_2_2[0]), A_7_2_2[1], kbpk_algorithm=AES)


@pytest.mark.parametrize(
    ("kbpk", "algorithm"),
    [
        (Key(bytes(range(8))), TDES),
        (Key(bytes(range(32))), TDES),
        (Key(DOUBLE.reveal()[:8] * 2), TDES),
        (Key(bytes(range(8))), AES),
        (Key(b""), AES),
        (DOUBLE, "X"),
    ],
)
def test_unusable_protection_key_is_refused(kbpk: Key, algorithm: str) -> None:
    """Wrong lengths, single DES in disguise, unknown algorithms: no block is made."""
    with pytest.raises(KeyBlockError, match="protection key") as caught:
        wrap(kbpk, block_of(), chance, kbpk_algorithm=algorithm)

    assert not len(kbpk) or kbpk.reveal().hex() not in str(caught.value)


def test_unusable_protection_key_opens_nothing() -> None:
    """The same keys open no block either."""
    with pytest.raises(KeyBlockError, match="protection key has a wrong length"):
        unwrap(Key(bytes(range(8))), A_7_2_2[1])
    with pytest.raises(KeyBlockError, match="single DES"):
        unwrap(Key(DOUBLE.reveal()[:8] * 2), A_7_2_2[1])


@pytest.mark.parametrize(
    ("kbpk", "kbpk_algorithm", "key", "algorithm"),
    [
        (DOUBLE, TDES, TRIPLE, TDES),
        (TRIPLE, TDES, Key(bytes(range(16))), AES),
        (Key(bytes(range(16))), AES, Key(bytes(range(24))), AES),
        (Key(bytes(range(24))), AES, Key(bytes(range(32))), AES),
    ],
)
def test_protection_key_is_not_the_weaker_one(
    kbpk: Key, kbpk_algorithm: str, key: Key, algorithm: str
) -> None:
    """No key goes under one that falls first."""
    with pytest.raises(KeyBlockError, match="stronger than the one that protects it"):
        wrap(kbpk, block_of(key, algorithm), chance, kbpk_algorithm=kbpk_algorithm)


def test_weaker_protection_is_refused_on_arrival() -> None:
    """An authentic block that holds a key stronger than its protection is not taken."""
    aes_in_tdes = forged(DOUBLE, "P0AB00E", (128).to_bytes(2, "big") + bytes(22))
    long_in_short = forged(DOUBLE, "P0TB00E", (192).to_bytes(2, "big") + TRIPLE.reveal() + bytes(6))

    for text in (aes_in_tdes, long_in_short):
        with pytest.raises(KeyBlockError, match="stronger than the one that protects it"):
            unwrap(DOUBLE, text)


@pytest.mark.parametrize("bits", [0, 8, 64, 127, 129, 136, 256, 0xFFFF])
def test_insane_length_inside_has_the_same_text(bits: int) -> None:
    """An authentic block with an impossible key length says no more than a wrong MAC."""
    text = forged(TRIPLE, "P0TB00E", bits.to_bytes(2, "big") + bytes(22))

    with pytest.raises(KeyBlockError, match=r"^the key block is not authentic$"):
        unwrap(TRIPLE, text)


def test_key_longer_than_its_data_is_refused() -> None:
    """A sane length that the data do not hold is no key."""
    text = forged(TRIPLE, "P0TB00E", (192).to_bytes(2, "big") + bytes(22))

    with pytest.raises(KeyBlockError, match=r"^the key block is not authentic$"):
        unwrap(TRIPLE, text)


def test_forged_block_with_a_sane_key_is_taken() -> None:
    """The forger of these tests makes good blocks too, so its bad ones prove something."""
    text = forged(TRIPLE, "P0TB00E", (128).to_bytes(2, "big") + DOUBLE.reveal() + bytes(6))

    assert DOUBLE.reveal() == unwrap(TRIPLE, text).key.reveal()

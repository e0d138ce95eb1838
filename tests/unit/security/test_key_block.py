"""Claims about key blocks (vectors: TR-31:2018 annex A, payShield blocks of openemv/tr31)."""

import copy
import pickle

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.cmac import CMAC

from atm_switch.domain.secret import Key
from atm_switch.security.components import AES, TDES
from atm_switch.security.key_block import KeyBlock, KeyBlockError, unwrap, wrap

A_7_2_2 = (
    "DD7515F2BFC17F85CE48F3CA25CB21F6",
    "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
)
A_7_3_2 = (
    "1D22BF32387C600AD97F9B97A51311AC",
    (
        "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52"
        "190E248719E24B433627"
    ),
)
A_7_4 = (
    "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
    (
        "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E"
        "31DA05F7425509593D03A457DC34"
    ),
)
PAYSHIELD_B = (
    "EFE0853B256B583D868F251CE99EA1D9",
    "B0080K0TN00N00001C414014375212C24995E405B5EE052CB92B67F455EA2680F6751088F9F1C228",
)
PAYSHIELD_D_TDES = (
    "41" * 32,
    (
        "D0112B0TN00N000037DB9B046B7B0048785690759580ABC3B9842AB4BB7717B49E92528E575785D81235"
        "59376A2553B27BE94F054F4E971C"
    ),
)
PAYSHIELD_D_AES = (
    "41" * 32,
    (
        "D0144D0AN00N0000127862F945C2DED04530FAF7CDBC8B0BA10C7AA79BD5E0C2C5D6AC173BF588E4B19A"
        "CF1357178D50EA0AB193228E13958304FC6149632DFDCADF3A5B3D57E814"
    ),
)
PUBLISHED = [
    pytest.param(*A_7_2_2, "P0TE00E", "3F419E1CB7079442AA37474C2EFBF8B8", id="A.7.2.2"),
    pytest.param(*A_7_3_2, "B0TX12S", "E8BC63E5479455E26577F715D587FE68", id="A.7.3.2"),
    pytest.param(*A_7_4, "P0AE00E", "3F419E1CB7079442AA37474C2EFBF8B8", id="A.7.4"),
    pytest.param(*PAYSHIELD_B, "K0TN00N", "5DB50B454F8389ADCE573BE50861F2BF", id="payShield B"),
    pytest.param(*PAYSHIELD_D_TDES, "B0TN00N", "1FA1F7CEC798D91545DA8AE0C7796BD9", id="D TDES"),
    pytest.param(
        *PAYSHIELD_D_AES,
        "D0AN00N",
        "BE19E6A07A760F10EF8E83A226B63AAD141F463FDDD4F47DB244B4023EC3CACC",
        id="D AES",
    ),
]
NOT_AUTHENTIC = r"^the key block is not authentic$"
DOUBLE = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")
TRIPLE = Key.from_hex("0123456789ABCDEFFEDCBA987654321089ABCDEF01234567")
KBPK = {TDES: TRIPLE, AES: Key(bytes(range(32)))}


def chance(size: int) -> bytes:
    """Give chance without surprises."""
    return bytes(range(0x80, 0x80 + size))


def block_of(key: Key = DOUBLE, algorithm: str = TDES, usage: str = "P0") -> KeyBlock:
    """Say that a key is for PINs."""
    return KeyBlock(usage, algorithm, "B", "00", "E", key)


@pytest.mark.parametrize(("kbpk", "text", "attributes", "key"), PUBLISHED)
def test_published_blocks_are_read(kbpk: str, text: str, attributes: str, key: str) -> None:
    """Blocks of the standard and of another maker's hardware open to the published key."""
    block = unwrap(Key.from_hex(kbpk), text)

    assert key == block.key.reveal().hex().upper()
    assert attributes == (
        block.usage + block.algorithm + block.mode + block.version_number + block.exportability
    )


def test_published_block_is_written() -> None:
    """With the padding of TR-31:2018 A.7.4 the block is the standard's, to the digit."""
    kbpk = Key.from_hex(A_7_4[0])
    block = KeyBlock("P0", AES, "E", "00", "E", Key.from_hex("3F419E1CB7079442AA37474C2EFBF8B8"))

    text = wrap(
        kbpk, block, lambda _: bytes.fromhex("1C2965473CE206BB855B01533782"), masks_length=False
    )

    assert A_7_4[1] == text


def test_cmac_of_tdes_matches_sp_800_38b() -> None:
    """The CMAC underneath gives NIST's value for the empty message."""
    key = bytes.fromhex("8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5")

    assert "b7a688e122ffaf95" == CMAC(TripleDES(key)).finalize().hex()


@pytest.mark.parametrize("kbpk", [DOUBLE, TRIPLE])
@pytest.mark.parametrize("masks", [True, False])
def test_version_b_comes_back(kbpk: Key, *, masks: bool) -> None:
    """What is wrapped under TDES is unwrapped under the same key."""
    text = wrap(kbpk, block_of(), chance, masks_length=masks)

    found = unwrap(kbpk, text, kbpk_algorithm=TDES)

    assert (96 if masks else 80) == len(text)
    assert text.startswith(f"B00{len(text)}P0TB00E0000")
    assert DOUBLE.reveal() == found.key.reveal()


@pytest.mark.parametrize("size", [16, 24, 32])
@pytest.mark.parametrize("algorithm", [TDES, AES])
def test_version_d_comes_back(size: int, algorithm: str) -> None:
    """Under AES of every length go keys of TDES and of AES."""
    kbpk, key = Key(bytes(range(100, 100 + size))), Key(bytes(range(0x31, 0x41)))

    text = wrap(kbpk, block_of(key, algorithm), chance, kbpk_algorithm=AES)

    assert key.reveal() == unwrap(kbpk, text, kbpk_algorithm=AES).key.reveal()
    assert text[0] == "D"


def test_length_of_the_key_is_masked() -> None:
    """A short key and a long one make blocks of one length."""
    short, long = (wrap(KBPK[AES], block_of(key), chance) for key in (DOUBLE, TRIPLE))

    assert len(short) == len(long)


def test_left_out_algorithm_follows_the_key_inside() -> None:
    """A key of 16 bytes that nobody names protects TDES by TDES and AES by AES."""
    aes_key = Key(bytes(range(16)))

    assert wrap(DOUBLE, block_of(), chance).startswith("B")
    assert wrap(DOUBLE, block_of(aes_key, AES), chance).startswith("D")
    assert wrap(KBPK[AES], block_of(), chance).startswith("D")


@pytest.mark.parametrize("published", [A_7_3_2, A_7_4], ids=["B", "D"])
def test_every_changed_character_is_refused(published: tuple[str, str]) -> None:
    """No character of a block, header, option, key data or MAC, can be another one."""
    kbpk, text = Key.from_hex(published[0]), published[1]

    for at, character in enumerate(text):
        other = "0" if character != "0" else "1"
        with pytest.raises(KeyBlockError):
            unwrap(kbpk, text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("published", [A_7_2_2, A_7_4], ids=["B", "D"])
def test_wrong_inside_has_one_text(published: tuple[str, str]) -> None:
    """Key data or MAC, first digit or last: told apart, they would be an oracle."""
    kbpk, text = Key.from_hex(published[0]), published[1]

    for at in range(16, len(text)):
        other = "0" if text[at] != "0" else "1"
        with pytest.raises(KeyBlockError, match=NOT_AUTHENTIC):
            unwrap(kbpk, text[:at] + other + text[at + 1 :])


def test_wrong_protection_key_is_not_told_apart() -> None:
    """Another key of the same kind finds the block not authentic, like any damage."""
    with pytest.raises(KeyBlockError, match=NOT_AUTHENTIC):
        unwrap(DOUBLE, A_7_2_2[1])


@pytest.mark.parametrize(
    "fields",
    [
        ("P", "T", "B", "00", "E"),
        ("P0T", "", "B", "00", "E"),
        ("p0", "T", "B", "00", "E"),
        ("P0", "D", "B", "00", "E"),
        ("P0", "T", "b", "00", "E"),
        ("P0", "T", "B", "0", "E"),
        ("P0", "T", "B", "c0", "E"),
        ("P0", "T", "B", "00", "X"),
        ("P0", "T", "B", "00", "E\n"),
    ],
)
def test_block_no_header_can_say_is_refused(fields: tuple[str, str, str, str, str]) -> None:
    """Every letter is of X9.143, each field of its width, and a component is no key."""
    with pytest.raises(KeyBlockError, match="cannot say that"):
        KeyBlock(*fields, DOUBLE)


@pytest.mark.parametrize(("size", "algorithm"), [(8, TDES), (32, TDES), (8, AES), (0, AES)])
def test_key_is_a_key_of_its_algorithm(size: int, algorithm: str) -> None:
    """A length that no key of the algorithm has is refused."""
    with pytest.raises(KeyBlockError, match="a length of its algorithm"):
        block_of(Key(bytes(size)), algorithm)


def test_block_shows_and_leaves_no_key() -> None:
    """A key block prints what it is for, and cannot be pickled or copied."""
    block = block_of()

    assert "<KeyBlock P0 T B>" == repr(block)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be serialised"):
            leave(block)

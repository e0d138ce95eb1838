"""Claims about publicly known keys: every check value is computed here anew."""

from itertools import pairwise

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from atm_switch.domain.secret import Key
from atm_switch.security.components import AES, TDES, key_check_value
from atm_switch.security.known_keys import CHECKS, is_publicly_known
from atm_switch.security.vault import fresh_tdes_key

GLOBAL_PLATFORM = bytes(range(0x40, 0x50)).hex()
REPEATED = [digit * 16 for digit in "0123456789ABCDEF"]
COUNTING, REVERSED = "0123456789ABCDEF", "FEDCBA9876543210"
PUBLISHED = {
    "ISO/IEC 9797-1, X9.19, ANSI X9.24-1": [(TDES, COUNTING + REVERSED)],
    "the same, halves swapped": [(TDES, REVERSED + COUNTING)],
    "the same, tripled": [(TDES, COUNTING + REVERSED + "89ABCDEF01234567")],
    "the same as an AES key": [
        (AES, COUNTING + REVERSED),
        (AES, REVERSED + COUNTING),
        (AES, 2 * (COUNTING + REVERSED)),
    ],
    "NIST SP 800-67": [(TDES, "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123")],
    "NIST SP 800-38B": [
        (TDES, "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5"),
        (TDES, "4CF15134A2850DD58A3D10BA80570D38"),
        (AES, "2B7E151628AED2A6ABF7158809CF4F3C"),
        (AES, "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B"),
        (AES, "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"),
    ],
    "FIPS 197": [(AES, bytes(range(size)).hex()) for size in (16, 24, 32)],
    "ANSI X9.24-1, initial DUKPT key": [(TDES, "6AC292FAA1315B4D858AB3A3D7D5933A")],
    "TR-31:2018, annex A": [
        (TDES, "89E88CF7931444F334BD7547FC3F380C"),
        (TDES, "DD7515F2BFC17F85CE48F3CA25CB21F6"),
        (TDES, "B8ED59E0A279A295E9F5ED7944FD06B9"),
        (TDES, "1D22BF32387C600AD97F9B97A51311AC"),
        (TDES, "F039121BEC83D26B169BDCD5B22AAF8F"),
        (TDES, "3F419E1CB7079442AA37474C2EFBF8B8"),
        (TDES, "EDB380DD340BC2620247D445F5B8D678"),
        (TDES, "E8BC63E5479455E26577F715D587FE68"),
        (AES, "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6"),
        (AES, "3F419E1CB7079442AA37474C2EFBF8B8"),
    ],
    "openemv/tr31 tests": [
        (TDES, "EFE0853B256B583D868F251CE99EA1D9"),
        (TDES, "5DB50B454F8389ADCE573BE50861F2BF"),
        (TDES, "1FA1F7CEC798D91545DA8AE0C7796BD9"),
        (AES, "41" * 32),
        (AES, "BE19E6A07A760F10EF8E83A226B63AAD141F463FDDD4F47DB244B4023EC3CACC"),
    ],
    "cardutil tests": [(TDES, "5CA64B3C22BEC347CA7E6609904BAAED")],
    "psec manual": [
        (AES, "00112233445566778899AABBCCDDEEFF"),
        (TDES, "46" * 8 + "45" * 8),
        (AES, "46" * 8 + "45" * 8),
        (TDES, "43" * 8 + "44" * 8),
        (AES, "43" * 8 + "44" * 8),
        *((AES, 16 * octet) for octet in ("AB", "CD")),
    ],
    "GlobalPlatform": [(TDES, GLOBAL_PLATFORM), (AES, GLOBAL_PLATFORM)],
    "octets that count": [
        (TDES, "00112233445566778899AABBCCDDEEFF"),
        (TDES, bytes(range(16)).hex()),
        *((kind, "FFEEDDCCBBAA99887766554433221100") for kind in (TDES, AES)),
        (AES, "1" * 16 + "2" * 16),
    ],
    "this project's tests": [(TDES, "8EB92D641BD509FA3A6461283EED1582")],
    "pythales": [(TDES, "DEAFBEEDEAFBEEDEAFBEEDEAFBEEDEAF")],
    "Thales test LMKs": [
        (TDES, "01010101010101017902CD1FD36EF8BA"),
        *((TDES, left * 8 + right * 8) for left, right in (("20", "31"), ("40", "51"))),
        *((TDES, left * 8 + right * 8) for left, right in (("61", "70"), ("80", "91"))),
        (TDES, "A1" * 8 + "B0" * 8),
        (TDES, "C1C1010101010101D0D0010101010101"),
        (TDES, "E0E0010101010101F1F1010101010101"),
        (TDES, "1C587F1C13924FEF0101010101010101"),
    ],
    "a digit repeated, then the next": [
        *((TDES, left + right) for left, right in pairwise(REPEATED)),
        *((TDES, "".join(REPEATED[at : at + 3])) for at in range(14)),
    ],
    "a digit repeated, AES": [
        *((AES, half * 2) for half in REPEATED),
        *((AES, half * 3) for half in REPEATED),
        *((AES, half * 4) for half in REPEATED),
    ],
    "single DES, a digit repeated": [("single", half) for half in REPEATED],
    "single DES, textbook": [("single", COUNTING), ("single", REVERSED)],
}


def check_of(algorithm: str, key: str) -> str:
    """The check value of a published key; single DES by hand, for the product refuses it."""
    if algorithm != "single":
        return key_check_value(Key.from_hex(key), algorithm)
    cipher = Cipher(TripleDES(bytes.fromhex(key) * 3), modes.ECB())  # noqa: S305 - so check values are made
    return cipher.encryptor().update(bytes(8))[:3].hex().upper()


@pytest.mark.parametrize("source", PUBLISHED)
def test_every_published_key_is_known(source: str) -> None:
    """The product knows each by the check value computed from the key itself."""
    computed = {check_of(*row) for row in PUBLISHED[source]}

    assert computed == {check for check in computed if is_publicly_known(check)}
    assert set(CHECKS[source]) <= computed


def test_nothing_else_is_in_the_list() -> None:
    """A check value without a published key behind it would refuse somebody's good key."""
    computed = {check_of(*row) for rows in PUBLISHED.values() for row in rows}

    assert computed == {check for checks in CHECKS.values() for check in checks}


def test_textbook_key_is_known_either_way() -> None:
    """08D7B4, in either case of its letters."""
    assert is_publicly_known("08D7B4")
    assert is_publicly_known("08d7b4")


@pytest.mark.parametrize("check", ["", "08D7B", "08D7B40", "08D7B4 ", "GGGGGG"])
def test_other_text_is_not_known(check: str) -> None:
    """Only whole check values count."""
    assert not is_publicly_known(check)


def test_fresh_key_is_not_known() -> None:
    """A key that was drawn is not in the list."""
    key = fresh_tdes_key(lambda size: bytes(range(101, 101 + size)))

    assert not is_publicly_known(key_check_value(key, TDES))

"""Claims about HMAC-SHA-256 under a key kept ready (vectors: RFC 4231)."""

import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.security.keyed_hash import KeyedHash

RFC_4231 = (
    (
        b"\x0b" * 20, b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe", b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("key", "material", "expected"), RFC_4231)
def test_codes_are_those_of_rfc_4231(key: bytes, material: bytes, expected: str) -> None:
    """Short keys and one longer than a block give the codes of the standard's examples."""
    assert expected == KeyedHash(key).code(material).hex()


@given(st.binary(max_size=200), st.lists(st.binary(max_size=3000), min_size=1, max_size=4))
def test_one_key_serves_many_materials(key: bytes, materials: list[bytes]) -> None:
    """Each code is what the standard library makes, whatever was hashed before it."""
    ready = KeyedHash(key)

    assert [hmac.digest(key, one, "sha256") for one in materials] == list(
        map(ready.code, materials)
    )


def test_a_key_kept_ready_cannot_be_written() -> None:
    """Neither print nor pickle gives the key away."""
    ready = KeyedHash(b"Jefe")

    assert "Jefe" not in repr(ready)
    with pytest.raises(TypeError):
        pickle.dumps(ready)

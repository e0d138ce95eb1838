"""Properties of key blocks, against psec, which is not ours.

psec warns of what it uses of the library underneath, so its calls are wrapped, and only
they.  Its errors may hold keys, so none is let through.
"""

import string
import warnings
from collections.abc import Callable
from hashlib import shake_256
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atm_switch.domain.secret import Key
from atm_switch.security import tdes
from atm_switch.security.components import AES, KEY_BYTES, TDES
from atm_switch.security.key_block import KeyBlock, KeyBlockError, unwrap, wrap

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from psec import tr31


def oracle(function: Callable[..., Any], *arguments: object) -> Any:
    """Call psec without its warnings and without its words."""
    failed = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments)
        except ValueError:
            failed = True
    assert not failed, "psec refuses"
    return None


def keys_of(algorithm: str) -> st.SearchStrategy[bytes]:
    """Keys an algorithm can use."""
    sizes = st.sampled_from(KEY_BYTES[algorithm])
    keys = sizes.flatmap(lambda size: st.binary(min_size=size, max_size=size))
    return keys.filter(is_usable) if algorithm == TDES else keys


def is_usable(material: bytes) -> bool:
    """Tell whether the bytes are no single DES."""
    try:
        tdes.require_usable(Key(material))
    except ValueError:
        return False
    return True


def is_fit(kbpk: bytes, key: bytes) -> bool:
    """Tell whether one key may protect another of the same algorithm."""
    return len(kbpk) >= len(key)


A_FEW_HUNDRED = settings(max_examples=max(300, settings().max_examples))
"""What a comparison with psec takes at least, whatever the profile says."""
VERSIONS = {TDES: "B", AES: "D"}
ALGORITHMS = st.sampled_from((TDES, AES))
UPPER = string.ascii_uppercase + string.digits
ATTRIBUTES = st.tuples(
    st.text(UPPER, min_size=2, max_size=2),
    st.text(UPPER, min_size=1, max_size=1),
    st.text(UPPER, min_size=2, max_size=2),
    st.sampled_from("ENS"),
)
PAIRS = ALGORITHMS.flatmap(lambda one: st.tuples(st.just(one), keys_of(one), keys_of(one))).filter(
    lambda pair: is_fit(pair[1], pair[2])
)
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
OPTIONS = st.dictionaries(
    st.text(UPPER, min_size=2, max_size=2).filter(lambda one: one != "PB"),
    st.text(PRINTABLE, max_size=400),
    max_size=4,
)


@A_FEW_HUNDRED
@given(pair=PAIRS, attributes=ATTRIBUTES, seed=st.binary(), masks=st.booleans())
def test_psec_reads_our_blocks(
    *,
    pair: tuple[str, bytes, bytes],
    attributes: tuple[str, str, str, str],
    seed: bytes,
    masks: bool,
) -> None:
    """What we wrap, masked in length or not, psec opens to the same key and words."""
    algorithm, kbpk, key = pair
    usage, mode, number, exportability = attributes
    block = KeyBlock(usage, algorithm, mode, number, exportability, Key(key))

    text = wrap(
        Key(kbpk),
        block,
        lambda size: shake_256(seed).digest(size),
        kbpk_algorithm=algorithm,
        masks_length=masks,
    )

    header, found = oracle(tr31.unwrap, kbpk, text)
    assert key == found
    assert (VERSIONS[algorithm], usage, algorithm) == (
        header.version_id,
        header.key_usage,
        header.algorithm,
    )
    assert (mode, number, exportability) == (
        header.mode_of_use,
        header.version_num,
        header.exportability,
    )


@A_FEW_HUNDRED
@given(PAIRS, ATTRIBUTES, OPTIONS)
def test_we_read_blocks_of_psec(
    pair: tuple[str, bytes, bytes], attributes: tuple[str, str, str, str], options: dict[str, str]
) -> None:
    """What psec wraps we open, past optional blocks short and long."""
    algorithm, kbpk, key = pair
    usage, mode, number, exportability = attributes
    header = tr31.Header(VERSIONS[algorithm], usage, algorithm, mode, number, exportability)
    for name, value in options.items():
        header.blocks[name] = value

    block = unwrap(Key(kbpk), oracle(tr31.wrap, kbpk, header, key), kbpk_algorithm=algorithm)

    assert key == block.key.reveal()
    assert (usage, mode, number, exportability) == (
        block.usage,
        block.mode,
        block.version_number,
        block.exportability,
    )


@given(PAIRS, st.binary(), st.data())
def test_changed_block_is_refused(
    pair: tuple[str, bytes, bytes], seed: bytes, data: st.DataObject
) -> None:
    """Any character changed for any other: refused, with no key in the text."""
    algorithm, kbpk, key = pair
    block = KeyBlock("P0", algorithm, "B", "00", "E", Key(key))
    text = wrap(
        Key(kbpk), block, lambda size: shake_256(seed).digest(size), kbpk_algorithm=algorithm
    )
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(PRINTABLE))
    assume(other != text[at])

    with pytest.raises(KeyBlockError) as caught:
        unwrap(Key(kbpk), text[:at] + other + text[at + 1 :])

    assert key.hex() not in str(caught.value).lower()


@given(
    st.one_of(
        st.text(),
        st.text(UPPER, max_size=200),
        st.tuples(
            st.sampled_from("BD"), st.integers(0, 9999), st.text(UPPER + " ", max_size=120)
        ).map(lambda part: f"{part[0]}{part[1]:04}P0TB00E{part[2]}"),
        st.text(UPPER, max_size=120).map(
            lambda tail: f"B{16 + len(tail):04}P0TB00E{min(len(tail), 9):02}00{tail}"
        ),
    ),
    keys_of(TDES),
)
def test_any_text_raises_one_kind_of_error(text: str, kbpk: bytes) -> None:
    """Whatever is sent for a key block, nothing but KeyBlockError comes of it."""
    with pytest.raises(KeyBlockError):
        unwrap(Key(kbpk), text)

"""Claims about what a repeat must share with its first: every element but the changing."""

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.profile.load import load_profile
from atm_switch.switch.balance_inquiry import NOT_FINGERPRINTED, fingerprint_material
from atm_switch.wire.packager import Packager
from tests.doubles.bench import Bench

MESSAGES = st.dictionaries(st.integers(2, 128), st.text(max_size=9), max_size=25)


def spelled(elements: dict[int, str]) -> bytes:
    """Number, length and text of each, ascending."""
    kept = {number: elements[number] for number in sorted(elements)}
    return ";".join(
        f"{number}:{len(text)}:{text}"
        for number, text in kept.items()
        if number not in NOT_FINGERPRINTED
    ).encode()


@given(MESSAGES)
def test_material_names_every_element_and_its_length(elements: dict[int, str]) -> None:
    """Whatever they are and in whatever order they came, but for the PIN block and the MACs."""
    assert spelled(elements) == fingerprint_material(elements)


def test_material_of_what_was_read_is_that_of_its_elements() -> None:
    """A request as it came over the line gives the same, the second time as the first."""
    packager, bench = Packager(load_profile("bpjstk-jht-v1")), Bench()
    for _ in range(3):
        message = packager.unpack(packager.pack(bench.inquiry({11: "000777"})))

        assert spelled(dict(message.elements)) == fingerprint_material(message.elements)

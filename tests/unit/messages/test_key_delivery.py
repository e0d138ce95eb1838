"""Claims about the element in which a key travels."""

import pytest

from atm_switch.messages.key_delivery import Delivery


@pytest.mark.parametrize("layout", ["check+block", "block+check", "block"])
def test_layouts_read_what_they_write(layout: str) -> None:
    """Each layout of the profile brings check value and block back, as far as it has them."""
    sent = Delivery("ABCDEF", "B0080P0TE00E0000" + "0" * 64)

    read = Delivery.read(sent.text(layout), layout)

    assert sent.block == read.block
    assert read.check == ("" if layout == "block" else sent.check)
    assert sent.block not in repr(read)

"""Claims about addresses on the command line."""

import pytest

from terminal_emulator.address import Address


@pytest.mark.parametrize("text", ["127.0.0.1:8583", "switch.example:1", "[::1]:65535"])
def test_address_is_written_as_read(text: str) -> None:
    """Names, numbers and IPv6 in brackets come back as they were given."""
    assert text == str(Address.read(text))


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":1", "host:0", "host:65536", "::1:80", "a b:1", "h:8٣"]
)
def test_misshapen_address_is_refused(text: str) -> None:
    """What is no host and port is refused."""
    with pytest.raises(ValueError, match="an address is a host, a colon and a port"):
        Address.read(text)

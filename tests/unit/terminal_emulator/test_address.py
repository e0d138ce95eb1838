"""Claims about addresses on the command line."""

import errno

import pytest

from terminal_emulator.address import Address, why_not_listening


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


def test_port_that_is_taken_says_which_option_to_change() -> None:
    """The address, why, and the option; other reasons by their own words."""
    address = Address("127.0.0.1", 8583)

    taken = why_not_listening(address, OSError(errno.EADDRINUSE, "in use"), "--listen")
    away = why_not_listening(address, OSError(errno.EADDRNOTAVAIL, "long words"), "--port")

    assert "another program listens at 127.0.0.1:8583; pass another --listen" == taken
    assert away.startswith("127.0.0.1:8583 cannot be listened on: ")
    assert away.endswith("; pass another --port")

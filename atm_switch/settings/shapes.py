"""The shapes single values must have, each refusing with a remedy.

A ``ValueError`` here reads ``what is wrong; what to do`` and never repeats the value.
"""

import re
from datetime import time
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.security.ibm3624 import require_fixed_table

ZoneName = Literal["WIB", "WITA", "WIT"]

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^\[\]:\s]+):([0-9]{1,5})", re.ASCII)
_CLOCK = r"((?:[01][0-9]|2[0-3]):[0-5][0-9])"
_SPAN = re.compile(f"{_CLOCK}-{_CLOCK}", re.ASCII)


def split_address(text: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` or ``[IPV6]:PORT``; brackets come off.

    Raises ``ValueError`` that says what to write instead.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        message = 'is not HOST:PORT; write e.g. "127.0.0.1:8583" or "[::1]:8583"'
        raise ValueError(message)
    port = int(match[2])
    if port > 65535:
        message = "the port is above 65535; write 0 (any free one) to 65535"
        raise ValueError(message)
    return match[1].strip("[]"), port


def split_span(text: str) -> tuple[time, time] | None:
    """Read ``HH:MM-HH:MM``, may cross midnight; nothing gives ``None``.

    Raises ``ValueError`` that says what to write instead.
    """
    if not text:
        return None
    match = _SPAN.fullmatch(text)
    if match is None or match[1] == match[2]:
        message = 'is no span of the day; write e.g. "23:58-00:02", or "" for none'
        raise ValueError(message)
    return time.fromisoformat(match[1]), time.fromisoformat(match[2])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches ``host``; a name but localhost may be anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _address(text: str) -> str:
    split_address(text)
    return text


def _span(text: str) -> str:
    split_span(text)
    return text


def _acquirer_id(text: str) -> str:
    try:
        return AcquirerId(text).text
    except ValueError as error:
        raise ValueError(f'{error}; write it in quotes, e.g. "009"') from None


def _terminal_id(text: str) -> str:
    try:
        return TerminalId(text).text
    except ValueError as error:
        raise ValueError(f'{error}; fill up with spaces behind, e.g. "S1ABC123"') from None


def _channel(text: str) -> str:
    try:
        return Channel(text).text
    except ValueError as error:
        raise ValueError(f'{error}; write it in quotes, e.g. "6011"') from None


def _table(text: str) -> str:
    require_fixed_table(text)
    return text


def _network(text: str) -> str:
    try:
        wide = ip_network(text, strict=False)
    except ValueError:
        message = 'is no network; write e.g. "10.1.2.0/24", "10.1.2.3" or "fd00::/8"'
        raise ValueError(message) from None
    try:
        ip_network(text)
    except ValueError:
        message = f'is an address inside a network; write "{wide}", or the address without /'
        raise ValueError(message) from None
    return text


def _name(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        message = "has spaces around it or characters nobody can read; write the bare name"
        raise ValueError(message)
    return text


def _no_way_out(text: str) -> str:
    if not text.strip() or "\0" in text:
        message = "is no file name; write a path relative to the data folder"
        raise ValueError(message)
    return text


Address = Annotated[str, AfterValidator(_address)]
OptionalAddress = Annotated[str, AfterValidator(lambda text: text and _address(text))]
Span = Annotated[str, AfterValidator(_span)]


def _ledger_url(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        _ = parts.port  # looked at only now
    except ValueError:
        raise ValueError("names no port between 0 and 65535, or no host") from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError("is no address of a PostgreSQL database, e.g. postgresql://atm@db/jht")
    if parts.password or "password" in parts.query:
        raise ValueError("holds a password; put it into a PGPASSFILE and take it out here")
    return text


def _node(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", text, re.ASCII):
        raise ValueError("is no name; write letters, digits, '.', '_' or '-', forty at most")
    return text


AcquirerText = Annotated[str, AfterValidator(_acquirer_id)]
TerminalText = Annotated[str, AfterValidator(_terminal_id)]
ChannelText = Annotated[str, AfterValidator(_channel)]
MacText = Literal["off", "required"]
TableText = Annotated[str, AfterValidator(_table)]
FilePath = Annotated[str, AfterValidator(_no_way_out)]
LedgerUrl = Annotated[str, AfterValidator(_ledger_url)]
NodeName = Annotated[str, AfterValidator(_node)]
NetworkText = Annotated[str, AfterValidator(_network)]
CertificateName = Annotated[str, AfterValidator(_name)]

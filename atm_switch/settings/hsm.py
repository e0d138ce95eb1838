"""``[hsm]``: who computes with PINs and keys, and how it is reached.

Plan: TLS with certificates on both sides wherever the HSM is on another machine; without it
only on loopback, or where ``plaintext`` says so.
Limits: what one value says of another section is judged in ``settings/model.py``; the files
are read by whoever connects.
Why the line to an HSM matters although every key and PIN on it is enciphered: its yes and
no are not, and whoever could write on that line could say yes to any PIN and any MAC.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from atm_switch.settings.section import Section
from atm_switch.settings.shapes import Address, is_loopback, split_address

HSM_TLS_KEYS = ("tls_ca", "tls_certificate", "tls_key")


class Hsm(Section):
    """Who computes with PINs and keys."""

    engine: Literal["software", "host", "none"] = Field(
        default="software",
        description="software: in this process, lab only; host: a hardware HSM over TCP; none: "
        "for banks that verify PINs themselves and send no MAC",
    )
    addresses: tuple[Address, ...] = Field(
        default=(), description='of the hardware HSMs, e.g. ["10.0.0.5:1500"]; tried in turn'
    )
    connections: int = Field(
        default=2, ge=1, le=64, description="connections kept open to each of them"
    )
    seconds_max: float = Field(
        default=2.0,
        gt=0,
        le=30,
        description="time an answer may take (then 91); less where the request's deadline is near",
    )
    header_digits: int = Field(
        default=4, ge=1, le=12, description="length of the message header the HSM is set to"
    )
    tls_ca: str = Field(
        default="",
        description="PEM file with the CA of the HSMs' certificates, which must name the hosts in "
        'addresses; with the next two it makes TLS the only way there, "" is without TLS',
    )
    tls_certificate: str = Field(
        default="", description="PEM file with the certificate this switch shows the HSM"
    )
    tls_key: str = Field(
        default="", description="PEM file with the certificate's key, not enciphered, mode 0600"
    )
    plaintext: bool = Field(
        default=False, description="true: talk to an HSM on another machine without TLS"
    )

    @property
    def has_tls(self) -> bool:
        """Whether the HSM is reached by TLS."""
        return all(getattr(self, key) for key in HSM_TLS_KEYS)

    def doubts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Name what makes no sense: the place, and what is wrong and what to do."""
        given = [key for key in HSM_TLS_KEYS if getattr(self, key)]
        missing = [key for key in HSM_TLS_KEYS if key not in given]
        if self.engine != "host":
            useless = [*given, *(["plaintext"] if self.plaintext else [])]
            for key in useless:
                yield ("hsm", key), 'is of no use without engine = "host"; take it out'
            return
        if not self.addresses:
            yield ("hsm", "addresses"), "is empty; name the HSM, or write engine software"
        if given and missing:
            text = f"needs {' and '.join(missing)} as well; TLS takes all three or none"
            yield ("hsm", given[0]), text
        elif given and self.plaintext:
            yield ("hsm", "plaintext"), "is of no use beside TLS; take it out"
        elif not given and not self.plaintext:
            away = [one for one in self.addresses if not is_loopback(split_address(one)[0])]
            if away:
                text = (
                    f"{away[0]} is another machine, reached without TLS: who writes on that line "
                    "says yes to any PIN; set tls_ca, tls_certificate and tls_key, or "
                    "plaintext = true"
                )
                yield ("hsm", "addresses"), text

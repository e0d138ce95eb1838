"""``[events]``: who is told what happens, over MQTT, and how long it is kept for them.

Plan: a password is never here but in a file of its own; a broker on another machine is
reached by TLS, or without it only where ``plaintext`` says so.
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from atm_switch.settings.lines import Place
from atm_switch.settings.section import Section
from atm_switch.settings.shapes import is_loopback

PORTS = {"mqtt": 1883, "mqtts": 8883}
_TOPIC_LEVELS = re.compile(r"[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*", re.ASCII)
_NAME = re.compile(r"[0-9A-Za-z_.-]+", re.ASCII)

Doubt = tuple[Place, str]
"""Where something is wrong, and what."""


def _broker(text: str) -> str:
    if not text:
        return text
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError("names no port between 1 and 65535, or no host") from None
    if parts.scheme not in PORTS or not is_whole or parts.path.strip("/") or parts.query:
        raise ValueError("is no address of a broker, e.g. mqtts://broker.example:8883")
    if parts.username or parts.password:
        raise ValueError("holds a user; write username and password_file, and take it out here")
    return text


def _prefix(text: str) -> str:
    if not _TOPIC_LEVELS.fullmatch(text):
        raise ValueError('is no beginning of a topic; write letters and digits, e.g. "atm"')
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is no name; write letters, digits, '.', '_' or '-'")
    return text


class Events(Section):
    """Where events go."""

    broker: Annotated[str, AfterValidator(_broker)] = Field(
        default="",
        description='the MQTT broker that is told: "mqtts://HOST:PORT" with TLS, '
        '"mqtt://HOST:PORT" without; "" for none, and events are only kept for '
        "atm-switch events tail",
    )
    name: Annotated[str, AfterValidator(_name)] = Field(
        default="switch",
        max_length=40,
        description="this switch's name, in its topics; no two at one broker have the same",
    )
    topic_prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        default="atm", max_length=100, description="how every topic begins"
    )
    username: str = Field(default="", max_length=200, description="who we are at the broker")
    password_file: str = Field(
        default="",
        description="file with the password, mode 0600, relative to this folder; never the "
        "password itself",
    )
    tls_ca: str = Field(
        default="",
        description="PEM file with the CA of the broker's certificate; \"\" takes the system's",
    )
    tls_certificate: str = Field(
        default="", description="PEM file with our certificate, where the broker asks for one"
    )
    tls_key: str = Field(
        default="", description="PEM file with the certificate's key, not enciphered, mode 0600"
    )
    plaintext: bool = Field(
        default=False, description="true: talk to a broker on another machine without TLS"
    )
    silence_seconds: float = Field(
        default=900,
        ge=0,
        le=604_800,
        description="silence after which a terminal is told to be silent; 0 for never",
    )
    keep_hours: float = Field(
        default=24,
        gt=0,
        le=8760,
        description="time for which events are kept once told (without a broker: at all)",
    )
    outbox_max: int = Field(
        default=1_000_000,
        ge=1000,
        le=1_000_000_000,
        description="events that may wait for the broker; beyond it status events go, the "
        "oldest first, and never a transaction",
    )
    in_flight_max: int = Field(
        default=64, ge=1, le=1000, description="events under way to the broker at once"
    )
    reconnect_seconds_max: float = Field(
        default=30, gt=0, le=3600, description="the longest wait before the broker is tried again"
    )

    @property
    def is_tls(self) -> bool:
        """Whether the broker is reached by TLS."""
        return urlsplit(self.broker).scheme == "mqtts"

    @property
    def host(self) -> str:
        """The broker's host, without brackets; empty without a broker."""
        return urlsplit(self.broker).hostname or ""

    @property
    def port(self) -> int:
        """The broker's port."""
        parts = urlsplit(self.broker)
        return parts.port or PORTS.get(parts.scheme, 0)

    def doubts(self) -> list[Doubt]:
        """Name everything the keys of this section do not agree on."""
        found: list[tuple[str, str]] = []
        if self.broker and not self.is_tls:
            if not self.plaintext and not is_loopback(self.host):
                text = "is reached without TLS; write mqtts://, or plaintext = true"
                found.append(("broker", text))
            found += [
                (key, "is of no use without TLS; write mqtts:// in broker, or take it out")
                for key in ("tls_ca", "tls_certificate", "tls_key")
                if getattr(self, key)
            ]
        if bool(self.tls_certificate) != bool(self.tls_key):
            key = "tls_certificate" if self.tls_certificate else "tls_key"
            found.append((key, "needs tls_certificate and tls_key both; give the other too"))
        if self.password_file and not self.username:
            found.append(("password_file", "is of no use without username; give both"))
        return [(("events", key), text) for key, text in found]

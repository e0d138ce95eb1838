"""The HSM the settings ask for, opened: the software engine, or hardware over TCP.

The core asks the same questions of both (``switch/hsm_port.py``); which one answers is
decided here and nowhere else.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from atm_switch.adapters.software_hsm import SoftwareHsm, pin_matcher
from atm_switch.domain.errors import NeverAsked
from atm_switch.folder import DataFolder, hsm_tls_files_of
from atm_switch.security.key_ring import KeyUsage, LineKey
from atm_switch.server.performer import Neighbours
from atm_switch.settings.shapes import split_address
from atm_switch.switch.hsm_port import (
    CheckMac,
    ImportKey,
    MakeMac,
    MintKey,
    TranslatePin,
    VerifyPin,
)

if TYPE_CHECKING:
    from atm_switch.adapters.host_hsm import HostHsm

Tell = Callable[[str, dict[str, str]], None]
"""Event and fields, for the log."""


AskCheckValue = Callable[[LineKey, KeyUsage], Awaitable[str]]
"""Hardware's own word on a token: the check value of the key under it.

Raises ``KeyRefused`` for a token it does not take, ``NeighbourUnavailable``.
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """An open HSM: who answers which question, and how to close it."""

    answers: Neighbours
    close: Callable[[], Awaitable[None]]
    check_value: AskCheckValue | None = None
    """``None`` where keys are in the clear, or there are none."""
    checks_at_once: int = 1
    """How many tokens it may be asked about at a time."""
    live: Callable[[], int] | None = None
    """How many connections to the hardware are up; ``None`` where there is none."""


async def open_engine(folder: DataFolder, tell: Tell) -> Engine:
    """Open the engine.

    A hardware HSM that is away does not hinder the start: its questions are answered
    with ``NeighbourUnavailable`` until it is back.
    """
    settings = folder.settings
    if settings.hsm.engine == "none":
        return Engine(_no_answers(), _nothing_to_close)
    if settings.hsm.engine == "software":
        pins = settings.pins
        matches = pin_matcher(pins.method, pins.decimalisation_table)
        return Engine(_answers(SoftwareHsm(os.urandom, matches)), _nothing_to_close)
    return await _open_hardware(folder, tell)


async def _open_hardware(folder: DataFolder, tell: Tell) -> Engine:
    # Loaded by those alone who have one: a start waits for every module.
    from atm_switch.adapters.client_tls import client_context  # noqa: PLC0415
    from atm_switch.adapters.host_hsm import HostHsm  # noqa: PLC0415
    from atm_switch.adapters.hsm_link import HsmLine  # noqa: PLC0415

    settings = folder.settings
    hsm, pins = settings.hsm, settings.pins
    files = hsm_tls_files_of(settings, folder.root)
    tls = files and (lambda: client_context(files.client_ca, files.certificate, files.key))
    hardware = HostHsm(
        [split_address(one) for one in hsm.addresses],
        hsm.connections,
        HsmLine(hsm.seconds_max, hsm.header_digits, tls),
        tell=tell,
        table=pins.decimalisation_table if pins.method == "ibm-3624" else "",
    )
    await hardware.start()
    return Engine(
        _answers(hardware), hardware.close, hardware.check_value, hardware.checks_at_once,
        lambda: hardware.live,
    )  # fmt: skip


def _no_answers() -> Neighbours:
    """Answer nothing: the settings say that no bank needs it."""

    def never(_question: Any) -> Any:
        raise NeverAsked("there is no HSM; set [hsm] engine")

    questions: tuple[type[Any], ...] = (
        *(VerifyPin, TranslatePin, CheckMac, MakeMac, ImportKey, MintKey),
    )
    return dict.fromkeys(questions, never)


def _answers(engine: "SoftwareHsm | HostHsm") -> Neighbours:
    answers: dict[type[Any], Callable[[Any], Any]] = {
        VerifyPin: engine.verify_pin,
        TranslatePin: engine.translate_pin,
        CheckMac: engine.check_mac,
        MakeMac: engine.make_mac,
        ImportKey: engine.import_key,
        MintKey: engine.mint_key,
    }
    return answers


async def _nothing_to_close() -> None:
    """Let the software engine end: it holds nothing."""

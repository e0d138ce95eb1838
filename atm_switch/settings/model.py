"""All settings as one frozen value, what its sections say of each other, and the policy.

Plan: pydantic judges every value; ``contradictions`` judges what only makes sense
together; ``to_policy`` hands the core the frozen values it knows.
Limits: nothing is opened here; whether a profile or a file exists is judged by whoever
opens it.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from atm_switch.domain.accrual import Accrual
from atm_switch.domain.identifiers import AcquirerId, Channel, TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.settings.certificate_names import anybody, nameless, shared
from atm_switch.settings.dialling import OutgoingLine, line_doubts, unproven_lines
from atm_switch.settings.events import Events
from atm_switch.settings.exposure import half_secured, unproven, unsure_databases
from atm_switch.settings.hsm import Hsm
from atm_switch.settings.listener import Listener
from atm_switch.settings.monitoring import Metrics
from atm_switch.settings.sections import (
    Acquirer,
    Journal,
    Keys,
    Ledger,
    Limits,
    Log,
    Pins,
    Terminal,
)
from atm_switch.settings.shapes import split_span
from atm_switch.switch.policy import (
    AcquirerPolicy,
    MacPolicy,
    PinPolicy,
    SwitchPolicy,
    TerminalPolicy,
)

ENVIRONMENT_PREFIX = "ATM_"
ENVIRONMENT_DELIMITER = "__"

CARD_INQUIRIES_PER_HOUR, TERMINAL_INQUIRIES_PER_MINUTE, TERMINAL_IN_FLIGHT = 20, 30, 8
"""What production allows where nothing is said: more than a person at an ATM ever asks."""

_FIRST_KEYS = {"listeners": 'listen = "127.0.0.1:8583"', "acquirers": 'id = "009"'}

Place = tuple[str | int, ...]
"""Where a value is: ``("acquirers", 0, "pin")``."""


class Contradiction(NamedTuple):
    """Something two sections do not agree on, and where to mend it."""

    place: Place
    text: str


class _SingleValues(PydanticBaseSettingsSource):
    """The environment without ``schema``, which would go by its bare name there."""

    def __init__(
        self, settings_cls: type[BaseSettings], environment: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._environment = environment

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Ask the environment."""
        return self._environment.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Hand out what the environment sets."""
        return {key: value for key, value in self._environment().items() if key != "schema"}


class Settings(BaseSettings):
    """What ``switch.toml`` and the environment say; the environment goes before."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=ENVIRONMENT_DELIMITER,
        extra="forbid",
        frozen=True,
    )

    schema_version: Literal[1] = Field(
        default=1, alias="schema", description="the form of this file"
    )
    mode: Literal["lab", "production"] = Field(
        default="lab",
        description="lab: test cards and software keys, terminal kits are written; "
        "production: neither",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="processes that answer, on one port; more than the machine's cores are of "
        "no use",
    )
    listeners: tuple[Listener, ...] = Field(
        default=(), description="where the banks connect; one table for each address"
    )
    lines: tuple[OutgoingLine, ...] = Field(
        default=(), description="where banks listen and the switch connects; one table each"
    )
    acquirers: tuple[Acquirer, ...] = Field(
        default=(), description="the banks; add one with: atm-switch acquirer add"
    )
    terminals: tuple[Terminal, ...] = Field(
        default=(), description='terminals listed by name, for banks with terminals = "listed"'
    )
    limits: Limits = Field(default=Limits(), description="how much at once, and how long")
    ledger: Ledger = Field(default=Ledger(), description="where the members' postings are")
    journal: Journal = Field(
        default=Journal(), description="where every inquiry is written before it is answered"
    )
    keys: Keys = Field(default=Keys(), description="where the keys are; never the keys themselves")
    hsm: Hsm = Field(default=Hsm(), description="who computes with PINs and keys")
    pins: Pins = Field(
        default=Pins(), description="how PINs are verified where this switch does it"
    )
    log: Log = Field(default=Log(), description="the log on standard error")
    metrics: Metrics = Field(
        default=Metrics(), description="where Prometheus and health checks look"
    )

    events: Events = Field(default=Events(), description="who is told what happens, over MQTT")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment go before the file, and nothing else in."""
        del dotenv_settings, file_secret_settings
        return _SingleValues(settings_cls, env_settings), init_settings

    @property
    def ways(self) -> tuple[Listener | OutgoingLine, ...]:
        """Where links come from, and where they are dialled."""
        return (*self.listeners, *self.lines)

    def contradictions(self) -> tuple[Contradiction, ...]:
        """Name everything the sections do not agree on."""
        return (*self._missing(), *self._repeated(), *self._strangers(), *self._impossible())

    def to_policy(self) -> SwitchPolicy:
        """Hand out the frozen values of the core."""
        limits, is_lab = self.limits, self.mode == "lab"
        by_card, by_terminal, in_flight = (
            (0 if is_lab else usual) if said is None else said
            for said, usual in (
                (limits.inquiries_per_card_per_hour, CARD_INQUIRIES_PER_HOUR),
                (limits.inquiries_per_terminal_per_minute, TERMINAL_INQUIRIES_PER_MINUTE),
                (limits.in_flight_per_terminal_max, TERMINAL_IN_FLIGHT),
            )
        )
        return SwitchPolicy(
            acquirers={AcquirerId(one.id): self._acquirer_policy(one) for one in self.acquirers},
            bad_frames_per_minute=limits.bad_frames_per_minute,
            inquiries_per_card_per_hour=by_card,
            inquiries_per_terminal_per_minute=by_terminal,
            in_flight_max=limits.in_flight_max,
            in_flight_per_terminal_max=in_flight,
            echo_idle_seconds=limits.echo_idle_seconds,
            echo_answer_seconds=limits.echo_answer_seconds,
            accrual=Accrual(self.ledger.accrual),
            refuses_known_keys=self.mode == "production",
        )

    def _acquirer_policy(self, acquirer: Acquirer) -> AcquirerPolicy:
        listed = (one for one in self.terminals if one.acquirer == acquirer.id)
        return AcquirerPolicy(
            acquirer=AcquirerId(acquirer.id),
            name=acquirer.name,
            pin=PinPolicy(acquirer.pin),
            mac=MacPolicy(acquirer.mac),
            admits_any_terminal=acquirer.terminals == "any",
            terminals={TerminalId(one.id): _terminal_policy(one) for one in listed},
            unmasked_kpj=acquirer.unmasked_kpj,
            channels=frozenset(Channel(code) for code in acquirer.channels),
            zone=Zone[acquirer.zone],
            end_of_day=split_span(acquirer.end_of_day),
            certificate_names=frozenset(acquirer.certificate_names),
        )

    def _impossible(self) -> Iterator[Contradiction]:
        if self.ledger.path == self.journal.path:
            yield Contradiction(("journal", "path"), "is the ledger's file; name another")
        yield from self._without_hardware()
        lines = (self.listeners, self.acquirers, self.terminals)
        doubts = (
            *half_secured(self.listeners),
            *nameless(*lines),
            *anybody(self.listeners, self.acquirers, is_lab=self.mode == "lab"),
            *shared(self.acquirers),
            *self.events.doubts(),
            *self.metrics.doubts(),
            *self.hsm.doubts(),
            *unsure_databases(self.ledger, self.journal, is_lab=self.mode == "lab"),
            *line_doubts(self.lines),
            *(() if self.mode == "lab" else self._unproven()),
        )
        yield from (Contradiction(*one) for one in doubts)

    def _unproven(self) -> Iterator[tuple[Place, str]]:
        yield from unproven(self.listeners, self.acquirers, self.terminals)
        yield from unproven_lines(self.lines, self.acquirers, self.terminals)

    def _without_hardware(self) -> Iterator[Contradiction]:
        engine = self.hsm.engine
        if engine == "host" or (engine == "software" and self.mode == "lab"):
            return
        in_need = list(self._soft_secrets())
        yield from in_need
        if engine == "software" and not in_need:
            text = 'is for the lab; set engine = "none", for no bank needs PINs or MACs here'
            yield Contradiction(("hsm", "engine"), text)

    def _soft_secrets(self) -> Iterator[Contradiction]:
        remedy = 'set [hsm] engine = "host"'
        how = "without an HSM" if self.hsm.engine == "none" else "in software in production"
        for at, one in enumerate(self.acquirers):
            if one.pin == "issuer":
                text = f'PINs are not verified {how}; {remedy}, or "acquirer"'
                yield Contradiction(("acquirers", at, "pin"), text)
            if one.mac == "required":
                text = f"MACs are not computed {how}; {remedy}"
                yield Contradiction(("acquirers", at, "mac"), text)
        for at, terminal in enumerate(self.terminals):
            if terminal.mac == "required":
                text = f"MACs are not computed {how}; {remedy}"
                yield Contradiction(("terminals", at, "mac"), text)

    def _missing(self) -> Iterator[Contradiction]:
        for name, first in (
            ("listeners", 'listen = "127.0.0.1:8583"'),
            ("acquirers", 'id = "009"'),
        ):
            if not getattr(self, name) and not (name == "listeners" and self.lines):
                text = f"there is none; add a table [[{name}]] with {first}"
                yield Contradiction((name,), text)

    def _repeated(self) -> Iterator[Contradiction]:
        keys: dict[str, list[Any]] = {
            "listeners": [one.listen if one.port else object() for one in self.listeners],
            "acquirers": [one.id for one in self.acquirers],
            "terminals": [(one.acquirer, one.id) for one in self.terminals],
        }
        for name, values in keys.items():
            key = "listen" if name == "listeners" else "id"
            for at, value in enumerate(values):
                if value in values[:at]:
                    text = "is there twice; take one of them out"
                    yield Contradiction((name, at, key), text)

    def _strangers(self) -> Iterator[Contradiction]:
        known = list(dict.fromkeys(one.id for one in self.acquirers))
        named: list[tuple[str, int, str | None]] = [
            *(("listeners", at, one.acquirer) for at, one in enumerate(self.listeners)),
            *(("lines", at, one.acquirer) for at, one in enumerate(self.lines)),
            *(("terminals", at, one.acquirer) for at, one in enumerate(self.terminals)),
        ]
        for name, at, acquirer in named:
            if acquirer is not None and acquirer not in known:
                there = ", ".join(known) or "none"
                text = f"no [[acquirers]] has this id; there are: {there}"
                yield Contradiction((name, at, "acquirer"), text)


def _terminal_policy(terminal: Terminal) -> TerminalPolicy:
    return TerminalPolicy(
        zone=Zone[terminal.zone],
        mac=MacPolicy(terminal.mac) if terminal.mac else None,
        certificate_name=terminal.certificate_name,
    )

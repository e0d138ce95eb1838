"""The sections of ``switch.toml``: every key with its kind, its limits and its meaning.

Plan: one frozen pydantic model per section.  The description of a field is what
``atm-switch config example`` prints, so the documentation is the model.
Limits: shapes of single values only; what two sections say of each other is judged in
``settings/model.py``.
"""

from typing import Annotated, Literal

from pydantic import Field

from atm_switch.settings.section import Section
from atm_switch.settings.shapes import (
    AcquirerText,
    CertificateName,
    ChannelText,
    FilePath,
    LedgerUrl,
    MacText,
    NodeName,
    Span,
    TableText,
    TerminalText,
    ZoneName,
)


class Acquirer(Section):
    """One bank."""

    id: AcquirerText = Field(description="DE32, up to eleven digits in quotes", examples=["009"])
    name: str = Field(
        description="the bank's name, as it heads the slip",
        examples=["BANK CONTOH"],
        min_length=1,
        max_length=40,
    )
    pin: Literal["issuer", "acquirer"] = Field(
        default="issuer",
        description="who verifies the PIN: this switch (issuer), or the bank before the "
        "message comes here (acquirer)",
    )
    mac: MacText = Field(
        default="off",
        description="message authentication in DE64 or DE128: required or off, never if present",
    )
    terminals: Literal["any", "listed"] = Field(
        default="any",
        description="any well-formed DE41, or only those of [[terminals]] (others get 58)",
    )
    unmasked_kpj: bool = Field(
        default=False,
        description="true: DE48 shows the whole KPJ to this bank; screen and slip never do",
    )
    channels: tuple[ChannelText, ...] = Field(
        default=("6011",),
        description="the DE18 values this bank may use (others get 40)",
        min_length=1,
    )
    zone: ZoneName = Field(
        default="WIB", description="time zone of the slips of its terminals: WIB, WITA or WIT"
    )
    end_of_day: Span = Field(
        default="",
        description='WIB time of day in which inquiries get 90, e.g. "23:58-00:02"; "" for none',
    )
    certificate_names: tuple[Annotated[CertificateName, Field(min_length=1)], ...] = Field(
        default=(),
        description="what the certificate of a link that signs on as this bank may be called "
        '(CN or DNS name), e.g. ["switch.bank.example"]; others get 31; empty is any',
    )


class Terminal(Section):
    """One listed terminal."""

    id: TerminalText = Field(description="DE41, eight characters", examples=["S1ABC123"])
    acquirer: AcquirerText = Field(description="the bank it belongs to", examples=["009"])
    zone: ZoneName = Field(default="WIB", description="time zone of its slips: WIB, WITA or WIT")
    mac: MacText | None = Field(
        default=None,
        description="required or off; leave out to take its bank's",
        examples=["required"],
    )
    certificate_name: CertificateName = Field(
        default="",
        description="what the certificate of its link must be called (CN or DNS name); others "
        'get 58; "" is any',
    )


class Limits(Section):
    """How much at once, and how long."""

    connections_max: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="connections at once; more are closed at once.  The descriptors a process "
        "may open, less 64, are a bound as well; a start that is bound by them says so",
    )
    connections_per_peer_max: int = Field(
        default=1000, ge=1, le=100_000, description="connections at once from one address"
    )
    in_flight_max: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        description="requests under way in one process (then 91): each worker counts its own",
    )
    in_flight_per_link_max: int = Field(
        default=64,
        ge=1,
        le=100_000,
        description="requests under way on one connection; what comes then waits there, for a "
        "quarter of the profile's request_seconds_max at most (then 91)",
    )
    in_flight_per_terminal_max: int | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="requests of one terminal under way, on all connections of a worker (then "
        "91), 0 for no limit; leave out to take the mode's: 8 in production, no limit in the lab",
        examples=[8],
    )
    idle_seconds_max: float = Field(
        default=300, gt=0, le=86_400, description="silence after which a connection is closed"
    )
    frame_seconds_max: float = Field(
        default=10,
        gt=0,
        le=3600,
        description="time in which a frame that began must be complete; a request is answered at "
        "most the profile's request_seconds_max and two seconds after its first byte, so a frame "
        "that takes longer than both together gets no answer",
    )
    bad_frames_per_minute: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="refused messages a minute that close a connection, 0 for never; leave "
        "out to take the profile's",
        examples=[60],
    )
    write_buffer_bytes_max: int = Field(
        default=262_144,
        ge=4096,
        le=1 << 30,
        description="bytes that may wait for a peer that does not read",
    )
    inquiries_per_card_per_hour: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="inquiries of one card (then 65), 0 for no limit; leave out to take the "
        "mode's: 20 in production, no limit in the lab",
        examples=[20],
    )
    inquiries_per_terminal_per_minute: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="inquiries of one terminal (then 65), 0 for no limit; leave out to take the "
        "mode's: 30 in production, no limit in the lab",
        examples=[30],
    )
    drain_seconds_max: float = Field(
        default=5,
        ge=0,
        le=600,
        description="time that requests under way get when the switch stops; what has no "
        "answer when it is nearly over is told 96 or 91",
    )
    echo_idle_seconds: float = Field(
        default=60,
        ge=0,
        le=86_400,
        description="silence after which the switch sends an echo; 0 for never",
    )
    echo_answer_seconds: float = Field(
        default=30, gt=0, le=3600, description="time in which that echo must be answered"
    )


class Ledger(Section):
    """Where the members' postings are."""

    path: FilePath = Field(default="ledger.db", description="the ledger's file, without a url")
    url: LedgerUrl = Field(
        default="",
        description="of a PostgreSQL database in place of the file, e.g. "
        '"postgresql://atm@db.example/jht?sslmode=verify-full"; its password is read from '
        "PGPASSFILE or PGPASSWORD",
    )
    read_url: LedgerUrl = Field(
        default="",
        description="of a read replica that answers inquiries in its place",
    )
    connections: int = Field(
        default=4, ge=1, le=64, description="connections to PostgreSQL kept for inquiries"
    )
    query_seconds_max: float = Field(
        default=1.0, gt=0, le=60, description="time a query may take (then 91)"
    )
    accrual: Literal["monthly", "daily365"] = Field(
        default="monthly",
        description="how development accrues within a year: by months, as published "
        "simulations do, or by days of 365",
    )
    rates: str = Field(
        default="",
        description="path of a table of development rates in place of the one that ships "
        "(year,rate_percent,status,source)",
    )


class Journal(Section):
    """Where every inquiry is written before it is answered."""

    path: FilePath = Field(default="journal.db", description="the journal's file, without a url")
    url: LedgerUrl = Field(
        default="",
        description="of a PostgreSQL database in place of the file, which several switches may "
        'share, e.g. "postgresql://atm@db.example/journal?sslmode=verify-full"; its password is '
        "read from PGPASSFILE or PGPASSWORD",
    )
    node: NodeName = Field(
        default="one",
        description="as whom this switch writes a shared journal; no two have the same",
    )
    writer: Literal["thread", "process", "auto"] = Field(
        default="auto",
        description="who writes the file of a single worker: a thread of the switch, a process "
        "beside it, or auto: a process where the switch may use more than one core",
    )
    queue_max: int = Field(
        default=4096, ge=1, le=1_000_000, description="rows that may wait for the disk (then 96)"
    )
    batch_max: int = Field(
        default=256, ge=1, le=100_000, description="rows that go to disk together"
    )
    keep_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="days after which atm-switch journal purge takes rows out, at least 2; "
        "0 for never",
    )


class Keys(Section):
    """Where the keys are; never the keys themselves."""

    file: FilePath = Field(default="keys.sealed", description="the sealed key file")
    master_file: FilePath = Field(
        default="../switch.master",
        description="the file with the master key that opens it, outside this folder; the "
        "systemd credential atm-switch-master goes before it",
    )


class Pins(Section):
    """How PINs are verified where this switch does it."""

    method: Literal["visa-pvv", "ibm-3624"] = Field(
        default="visa-pvv",
        description="what the pvv column of cards.csv holds: a Visa PVV, or an IBM 3624 offset",
    )
    decimalisation_table: TableText = Field(
        default="0123456789012345",
        description="of IBM 3624: sixteen digits, fixed here and nowhere else",
    )


class Log(Section):
    """The log on standard error."""

    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto is text on a terminal and JSON elsewhere"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged"
    )

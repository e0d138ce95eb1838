"""What a start looks up in the folder before anything is opened."""

import hashlib
import os
import resource
import sys
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

from atm_switch.domain.accrual import RateTable
from atm_switch.domain.errors import Refused
from atm_switch.domain.instant import Instant
from atm_switch.folder import DataFolder, profile_of, tls_doubts, unmaskable
from atm_switch.ledger.rates_file import read_rates
from atm_switch.profile.load import PROFILES_KEPT, ProfileWrong
from atm_switch.server.limits import LineLimits, ServerLimits
from atm_switch.server.line import SHED_TIMES
from atm_switch.server.log import Logger
from atm_switch.settings.load import FILE_NAME, SettingsWrong
from atm_switch.settings.model import Settings
from atm_switch.settings.problems import written
from atm_switch.switch.house import House
from atm_switch.switch.ports import KeepCommand
from atm_switch.switch.session import Dialect

_dialect_of = lru_cache(PROFILES_KEPT)(Dialect.of)
"""A reload that finds the profiles as they were leaves nothing new behind."""


def dialects_of(folder: DataFolder) -> dict[str, Dialect]:
    """Load every profile the settings name.

    Raises ``ProfileWrong``, also for one in which a bank that uses it could not be answered.
    """
    settings = folder.settings
    names = dict.fromkeys(one.profile for one in settings.ways)
    profiles = {name: profile_of(name, folder.root) for name in names}
    for way in settings.ways:
        wrong = list(unmaskable(profiles[way.profile], way, settings.acquirers))
        if wrong:
            raise ProfileWrong(way.profile, wrong)
    return {name: _dialect_of(profile) for name, profile in profiles.items()}


def rates_of(folder: DataFolder) -> RateTable:
    """Read the development rates.  Raises ``SettingsWrong``."""
    try:
        return read_rates(folder.rates)
    except Refused as wrong:
        raise SettingsWrong([f"{FILE_NAME}: ledger.rates: {wrong}"]) from None


def refuse_wrong_certificates(folder: DataFolder) -> None:
    """See that the files of TLS can be used, in date or not: one bank's is no other's affair.

    Raises ``SettingsWrong`` with a line for each.
    """
    doubts = tls_doubts(folder.settings, folder.root)
    lines = [f"{FILE_NAME}: {written(one.place)}: {one.text}" for one in doubts]
    if lines:
        raise SettingsWrong(lines)


def digest_of(text: str) -> str:
    """Name the settings that were read, for the audit."""
    return "sha256 " + hashlib.sha256(text.encode()).hexdigest()[:16]


def plain_words(error: OSError) -> str:
    """Say what happened, without the address and the interpreter's own words around it."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)  # a path too long for a socket has words only


class Memory(Protocol):
    """What a journal remembers beside its rows."""

    def business_date(self, acquirer: str) -> date | None:
        """Return the business date an acquirer was last moved to, if it ever was."""

    def commands(self, now: datetime) -> tuple[KeepCommand, ...]:
        """Return the commands carried out whose recordings may be fresh, the eldest first."""


def recall(house: House, memory: Memory, now: Instant) -> None:
    """Give a new switch what its bank moved before: business dates, commands carried out."""
    recall_dates(house, memory)
    for command in memory.commands(now.utc):
        left = (command.until - now.utc).total_seconds()
        house.accepted.recall(command.acquirer, command.identity, now.monotonic + left)


def recall_dates(house: House, memory: Memory) -> None:
    """Take up the business dates as they are now."""
    for acquirer in house.policy.acquirers:
        day = memory.business_date(acquirer.text)  # DE15 of its last cut-over
        if day is not None:
            house.business_dates[acquirer] = day


DESCRIPTORS_KEPT = 64
"""For everything but connections: journal, ledger, HSM, broker, watch page, log."""


def _connections() -> int:
    """Take as many descriptors as the system allows; return how many are for connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - DESCRIPTORS_KEPT)


def tell_of_bound(settings: Settings, log: Logger) -> None:
    """Say in the log where fewer connections can be than are set: the system has no room."""
    share, room = _share_of_connections(settings), _connections()
    if share > room:
        log.warning(
            "fewer connections than set",
            connections_max=settings.limits.connections_max,
            share_of_worker=share,
            room_for=room,
            why=f"a process may open {room + DESCRIPTORS_KEPT} descriptors; raise LimitNOFILE of "
            "the service, or ulimit -n",
        )


def _share_of_connections(settings: Settings) -> int:
    """Return how many of all connections one worker may have."""
    return -(-settings.limits.connections_max // settings.workers)


def server_limits(settings: Settings) -> ServerLimits:
    """Hand the limits of the settings to the server: of all connections a worker's share."""
    limits = settings.limits
    return ServerLimits(
        connections_max=min(_share_of_connections(settings), _connections()),
        connections_per_peer_max=limits.connections_per_peer_max,
        drain_seconds_max=limits.drain_seconds_max,
        requests_max=max(2 * limits.in_flight_max, SHED_TIMES * limits.in_flight_per_link_max),
        line=LineLimits(
            idle_seconds_max=limits.idle_seconds_max,
            frame_seconds_max=limits.frame_seconds_max,
            in_flight_per_link_max=limits.in_flight_per_link_max,
            write_buffer_bytes_max=limits.write_buffer_bytes_max,
        ),
    )

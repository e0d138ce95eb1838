"""The lines this switch dials, made from the settings and kept up while it serves.

Limits: which connections there are is decided at the start; certificates are read anew each
time a bank is dialled, and a dialect and limits that were read anew count from then on.
"""

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial

from atm_switch.adapters.client_tls import client_context
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.folder import DataFolder, line_tls_files_of
from atm_switch.seat import Seat
from atm_switch.server.desk import Desk
from atm_switch.server.dialler import Dialler, Manner
from atm_switch.server.entrance import Entrance
from atm_switch.server.limits import LineLimits
from atm_switch.server.log import Logger
from atm_switch.settings.dialling import OutgoingLine, lines_of
from atm_switch.start_up import server_limits
from atm_switch.switch.retries import Retries
from atm_switch.switch.session import Dialect

UP = "signed on"
"""The state of a line over which the bank may ask."""
_CHANCES = 1 << 20


class Calling:
    """All lines that are dialled."""

    def __init__(
        self,
        folder: DataFolder,
        dialects: Mapping[str, Dialect],
        desk: Desk,
        log: Logger,
        seat: Seat,
    ) -> None:
        """Wait for ``start``; ``dialects`` are by the name of their profile.

        Of several processes each dials its share: ``seat`` says which this is.
        """
        self._desk, self._log = desk, log
        limits = server_limits(folder.settings).line
        at = (seat.number, seat.count) if seat.is_worker else (1, 1)
        mine = lines_of(folder.settings.lines, *at)
        self._profiles = [line.profile for line in mine]
        self._diallers = [
            self._dialler(line, dialects[line.profile], limits, folder) for line in mine
        ]

    @property
    def connected(self) -> int:
        """How many lines are up, signed on or not."""
        return sum(one.line is not None for one in self._diallers)

    @property
    def addresses(self) -> list[str]:
        """Where banks are dialled, each once."""
        return list(dict.fromkeys(one.address for one in self._diallers))

    def status(self) -> list[dict[str, str]]:
        """Return what ``atm-switch status`` shows of each line."""
        return [{"bank": one.address, "state": self._state(one)} for one in self._diallers]

    def start(self) -> None:
        """Begin to dial; call in the loop."""
        for dialler in self._diallers:
            dialler.start()

    def adopt(self, dialects: Mapping[str, Dialect], limits: LineLimits) -> None:
        """Give connections from now on these dialects, by the names of profiles, and limits."""
        for profile, dialler in zip(self._profiles, self._diallers, strict=True):
            if profile in dialects:
                dialler.adopt(dialects[profile], limits)

    async def stop(self) -> None:
        """Dial no more; lines that are up stay."""
        await asyncio.gather(*(one.close() for one in self._diallers))

    def _state(self, dialler: Dialler) -> str:
        if dialler.line is None:
            return f"away: {dialler.away}" if dialler.away else "dialling"
        session = self._desk.session_of(dialler.line)
        return UP if session and session.signed_on_as else "connected, not signed on"

    def _dialler(
        self, line: OutgoingLine, dialect: Dialect, limits: LineLimits, folder: DataFolder
    ) -> Dialler:
        entrance = Entrance(
            line.host,
            line.port,
            dialect,
            AcquirerId(line.acquirer),
            is_ours=True,
            echo_idle_seconds=line.echo_idle_seconds,
        )
        files = line_tls_files_of(line, folder.root)
        tls = files and partial(client_context, files.client_ca, files.certificate, files.key)
        manner = Manner(
            retries=Retries(_chance, longest=line.reconnect_seconds_max),
            connect_seconds_max=line.connect_seconds_max,
            tls=tls,
        )
        return Dialler(entrance, self._desk, limits, manner, self._tell)

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        self._log.warning(event, **fields)


def _chance() -> float:
    return secrets.randbelow(_CHANCES) / _CHANCES

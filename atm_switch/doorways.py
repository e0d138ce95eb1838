"""The doors of a running switch: opened as the settings say, or lent by the supervisor."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from atm_switch.domain.errors import Refused
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.folder import DataFolder, tls_files_of
from atm_switch.server.desk import Desk
from atm_switch.server.entrance import Entrance, shown
from atm_switch.server.limits import LineLimits
from atm_switch.server.listener import Door
from atm_switch.server.log import Logger
from atm_switch.start_up import plain_words, server_limits, tell_of_bound
from atm_switch.switch.session import Dialect


class Doorways:
    """Every door, in the order of ``[[listeners]]``."""

    def __init__(self, folder: DataFolder, log: Logger) -> None:
        """Begin with none."""
        self._folder, self._log = folder, log
        self._doors: list[Door] = []
        self._taking: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> list[str]:
        """Where connections come in, as ``HOST:PORT``."""
        return [door.address for door in self._doors]

    async def open(
        self, dialects: Mapping[str, Dialect], desk: Desk, lent: tuple[str, ...] = ()
    ) -> None:
        """Listen; or, where the addresses are ``lent``, wait for what the supervisor hands in.

        Raises ``Refused``.
        """
        limits = server_limits(self._folder.settings).line
        tell_of_bound(self._folder.settings, self._log)
        for at, one in enumerate(self._folder.settings.listeners):
            acquirer = AcquirerId(one.acquirer) if one.acquirer else None
            tls = tls_files_of(one, self._folder.root)
            dialect = dialects[one.profile]
            entrance = Entrance(one.host, one.port, dialect, acquirer, tls, one.networks)
            door = Door(entrance, desk, limits)
            if lent:
                door.secure()
                door.lent_address = lent[at]
            else:
                await _listen(door)
            self._doors.append(door)

    def take(self, at: int, descriptor: int, elsewhere: int, settled: Callable[[], None]) -> None:
        """Take a connection, accepted elsewhere, that came in at one of the doors.

        ``settled`` is told once it counts as a link of its peer, or was turned away.
        """
        connection = socket.socket(fileno=descriptor)
        connection.settimeout(0)
        task = asyncio.get_running_loop().create_task(
            self._take(at, connection, elsewhere, settled)
        )
        self._taking.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._taking.discard)

    async def _take(
        self, at: int, connection: socket.socket, elsewhere: int, settled: Callable[[], None]
    ) -> None:
        try:
            with suppress(OSError):  # it hung up meanwhile
                await self._doors[at].take(connection, elsewhere)
        finally:
            settled()

    def reload(self) -> None:
        """Read the TLS files again, for new links; those that cannot be used change nothing."""
        for door in self._doors:
            if not door.is_secured:
                continue
            try:
                door.reload()
            except Refused as wrong:
                self._log.warning("certificates not reloaded", at=door.address, reason=str(wrong))
            else:
                self._log.info("certificates reloaded", at=door.address)

    def adopt(self, dialects: Mapping[str, Dialect], limits: LineLimits) -> None:
        """Give links from now on these dialects, by the profiles of the settings, and limits."""
        for door, one in zip(self._doors, self._folder.settings.listeners, strict=True):
            dialect = dialects.get(one.profile, door.entrance.dialect)
            door.entrance = replace(door.entrance, dialect=dialect)
            door.limits = limits

    def close(self) -> None:
        """Take no more connections; those there are stay."""
        for door in self._doors:
            door.close()


async def _listen(door: Door) -> None:
    try:
        await door.open()
    except OSError as error:
        where = f"{door.entrance.host}:{door.entrance.port}"
        raise _taken(where, error) from None


def bound(host: str, port: int) -> socket.socket:
    """Bind a socket that does not listen yet.  Raises ``Refused``."""
    found = socket.AF_INET6 if ":" in host else socket.AF_INET
    one = socket.socket(found, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
        one.settimeout(0)
    except OSError as error:
        one.close()
        raise _taken(shown(host, port), error) from None
    return one


def _taken(where: str, error: OSError) -> Refused:
    return Refused(
        f"cannot listen on {where}: {plain_words(error)}; "
        "change [[listeners]] listen, or stop whoever listens there"
    )

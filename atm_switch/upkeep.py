"""What a running switch looks after: its keys read anew, tokens, certificates that soon end.

Plan: a vault is taken into use when the switch can work with it and, where keys are a
hardware HSM's, when the HSM says of every token that it is the key the key file names.
Limits: an HSM that is away is asked when it is back; until then its tokens are believed.
Why a vault that was asked about is read once more: the asking takes its time, and a key may
have been changed over the line meanwhile.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from math import inf
from typing import Any, Final

from atm_switch.adapters.clock import utc_now
from atm_switch.adapters.side_thread import begun
from atm_switch.domain.errors import NeighbourUnavailable, Refused, SwitchError
from atm_switch.engine import AskCheckValue, Engine
from atm_switch.folder import DataFolder, hsm_tls_files_of, line_tls_files_of, tls_files_of
from atm_switch.key_office import keys_in_use
from atm_switch.readiness import refuse_what_cannot_work
from atm_switch.security.key_ring import KeyName
from atm_switch.security.vault import Vault
from atm_switch.server.log import Logger
from atm_switch.server.tls import TlsFiles, end_of, expiring
from atm_switch.switch.house import House
from atm_switch.switch.hsm_port import KeyRefused

WARNING_DAYS: Final = 30
DAY_SECONDS: Final = 86_400.0
CHECK_DIGITS: Final = 6
"""What two check values of one key agree in at least, however long each is written."""

AGAIN_SECONDS: Final = 5.0
"""After keys that would not hold still: what an officer revoked must not stay in use."""
READINGS_MAX: Final = 5
"""So often keys are read anew because they changed while the HSM was asked of them."""

Record = Callable[[str, str, str], None]
"""Kind, subject and detail, for the audit."""


class Upkeep:
    """Keeps a running switch's keys and certificates in view."""

    def __init__(
        self, folder: DataFolder, house: House, engine: Engine, log: Logger, record: Record
    ) -> None:
        """Wait for ``start``."""
        self._folder, self._house, self._engine = folder, house, engine
        self._log, self._record = log, record
        self._tasks: set[asyncio.Task[None]] = set()
        self._wanted: list[str] = []
        """Why the keys are to be read again, as long as an HSM is asked of the last reading."""
        self._reading: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._first_end: datetime | None = None

    def certificate_seconds(self) -> float:
        """Return how long the first TLS file is still good; infinity where there is none."""
        end = self._first_end
        return inf if end is None else (end - utc_now()).total_seconds()

    def start(self) -> None:
        """Look at the certificates and tokens now and every day; call in the loop."""
        if self._engine.check_value is not None:
            self.hardware_is_back()  # it may have come between the first look and now
        self.warn_of_certificates()
        self._timer = asyncio.get_running_loop().call_later(DAY_SECONDS, self.start)

    def catch_up(self, why: str = "changed during the start") -> None:
        """Take up keys that were changed meanwhile, by whomever."""
        try:
            is_changed = not self._folder.vault().is_same_as(self._house.vault)
        except SwitchError:
            is_changed = True  # reading them again says what is wrong
        if is_changed:
            self.reload_keys(why)

    async def pull_keys(self) -> None:
        """Take up keys that another process has changed, from where all of them keep them.

        Returns once they are in use, or it is said why not.
        """
        await asyncio.wrap_future(begun(self._folder.pull_keys))
        self.catch_up("changed by another process")
        if self._reading is not None:  # an HSM is asked of them
            await asyncio.wait({self._reading})

    def warn_of_certificates(self) -> None:
        """Name in the log every certificate that soon ends, and see when the first does."""
        self._first_end = first_end(self._folder)
        for reason in ending_soon(self._folder, utc_now()):
            self._log.warning("certificate ends soon", reason=reason)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def reload_keys(self, why: str) -> None:
        """Read the keys again; those that cannot be used change nothing, and it says so.

        Where an HSM must be asked of them first, they are in use once it has answered; what
        the audit tells is told then.  A call while it is asked is one more reading after.
        """
        if self._engine.check_value is None:
            vault = self._read()
            if vault is not None:
                self._adopt(vault, why)
            return
        self._wanted.append(why)
        if self._reading is None:
            self._reading = self._later(self._read_and_ask())

    def key_changed_elsewhere(self, name: KeyName) -> None:
        """Take up the keys another process has changed under this one."""
        self._log.warning("key changed by another process", key=str(name))
        self.reload_keys(f"{name} was changed elsewhere")

    def hardware_is_back(self) -> None:
        """Ask the HSM of the tokens in use, and sound the alarm for a wrong one."""
        self._later(self._warn_of_tokens())

    def _read(self) -> Vault | None:
        try:
            vault = self._folder.vault()
            refuse_what_cannot_work(self._folder, vault)
        except SwitchError as wrong:
            self._log.warning("keys not reloaded", reason=str(wrong))
            return None
        return vault

    def _adopt(self, vault: Vault, why: str) -> None:
        self._house.vault = vault
        self._log.info("keys reloaded", why=why)
        self._record("configuration", "keys", keys_in_use(vault, why))

    async def _read_and_ask(self) -> None:
        """Read and ask until nobody wants it anew."""
        try:
            while self._wanted:
                why = ", ".join(dict.fromkeys(self._wanted))
                self._wanted.clear()
                await self._adopt_asked(why)
        finally:
            self._reading = None

    async def _adopt_asked(self, why: str) -> None:
        for _ in range(READINGS_MAX):
            vault = self._read()
            if vault is None:
                return
            wrong = await wrong_tokens(vault, self._engine.check_value)
            for reason in wrong:
                self._log.warning("keys not reloaded", reason=reason)
            if wrong:
                return
            latest = self._read()
            if latest is not None and latest.is_same_as(vault):
                self._adopt(latest, why)
                return
        reason = "they change faster than the HSM is asked; tried again shortly"
        self._log.warning("keys not reloaded", reason=reason)
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, self.reload_keys, why)

    async def _warn_of_tokens(self) -> None:
        for reason in await wrong_tokens(self._house.vault, self._engine.check_value):
            self._log.warning("key token wrong", reason=reason)

    def _later(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task


async def refuse_wrong_tokens(vault: Vault, engine: Engine) -> None:
    """Raise ``Refused`` with every key that is another one at the HSM, a line each."""
    wrong = await wrong_tokens(vault, engine.check_value)
    if wrong:
        raise Refused("\n".join(wrong))


async def wrong_tokens(vault: Vault, ask: AskCheckValue | None) -> list[str]:
    """Name every key whose token is not the key the key file says it is.

    An HSM that does not answer says nothing of a key.
    """
    if ask is None:
        return []
    rungs = [(name, key) for name, ladder in vault.keys.items() for key in ladder.rungs]
    wrong = []
    for name, key in sorted(rungs, key=lambda rung: str(rung[0])):
        try:
            check = key.check if key.is_clear else await ask(key, name.usage)
        except KeyRefused as refused:
            wrong.append(f"the key {name}, check value {key.check}: {refused}")
        except NeighbourUnavailable:
            continue
        else:
            if check[:CHECK_DIGITS].upper() != key.check[:CHECK_DIGITS].upper():
                wrong.append(
                    f"the key {name} has check value {check} at the HSM and {key.check} in the "
                    "key file; install it again with: atm-switch keys install"
                )
    return wrong


def ending_soon(folder: DataFolder, now: datetime) -> list[str]:
    """Name every TLS file that ends within thirty days; ``now`` is in UTC."""
    within = timedelta(days=WARNING_DAYS)
    found = [one.text for files in _tls_files(folder) for one in expiring(files, within, now)]
    return list(dict.fromkeys(found))


def first_end(folder: DataFolder) -> datetime | None:
    """Return when the first TLS file ends, UTC; ``None`` where there are none."""
    ends = [end_of(path) for files in _tls_files(folder) for path in files]
    return min((end for end in ends if end is not None), default=None)


def _tls_files(folder: DataFolder) -> list[TlsFiles]:
    """List all that are used: by listeners, on lines, for the HSM and the broker of events."""
    settings, root = folder.settings, folder.root
    found = [
        *(tls_files_of(one, root) for one in settings.listeners),
        *(line_tls_files_of(one, root) for one in settings.lines),
        hsm_tls_files_of(settings, root),
    ]
    events = settings.events
    names = (events.tls_certificate, events.tls_key, events.tls_ca)
    if events.broker and any(names):  # a name that is not set is the folder, which has no end
        found.append(TlsFiles(*(root / name for name in names)))
    return [files for files in found if files is not None]

"""What a running switch looks after: its keys read anew, tokens, certificates that soon end.

Plan: a vault is taken into use when the switch can work with it and, where keys are a
hardware HSM's, when the HSM says of every token that it is the key the key file names: of
each at a start and at SIGHUP, of those that are new where another process changed some.
Limits: an HSM that is away is asked when it is back; until then its tokens are believed.
Why changes are merged: reading and asking take their time, and a key may have been changed over
a line meanwhile.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from math import inf
from typing import Any, Final, NamedTuple

from atm_switch.adapters.clock import utc_now
from atm_switch.adapters.key_keeper import ChangedMeanwhile
from atm_switch.adapters.side_thread import begun, fulfil
from atm_switch.domain.errors import NeighbourUnavailable, Refused, SwitchError
from atm_switch.engine import Engine
from atm_switch.folder import DataFolder, hsm_tls_files_of, line_tls_files_of, tls_files_of
from atm_switch.key_office import keys_in_use
from atm_switch.key_reading import TokenId, Tokens, read_keys, tokens_of, wrong_tokens
from atm_switch.readiness import refuse_what_cannot_work
from atm_switch.security.key_ring import KeyName
from atm_switch.security.vault import Vault
from atm_switch.server.log import Logger
from atm_switch.server.tls import TlsFiles, end_of, expiring, tls_problems
from atm_switch.switch.house import House

WARNING_DAYS: Final = 30
DAY_SECONDS: Final = 86_400.0
AGAIN_SECONDS: Final = 5.0
"""After keys that would not hold still: what an officer revoked must not stay in use."""
ASKED_BETWEEN_NEWS: Final = 500
"""Tokens an HSM is asked about before what came meanwhile is looked at: a bank waits for it."""
READINGS_MAX: Final = 5
"""So often keys are read anew because they changed while the HSM was asked, or they were read."""

Record = Callable[[str, str, str], None]
"""Kind, subject and detail, for the audit."""


class Wanted(NamedTuple):
    """Somebody has the keys read, and waits for that."""

    why: str
    over: "asyncio.Future[bool]"
    asks_all: bool
    """An HSM is to be asked of each of them."""


class Dates(NamedTuple):
    """TLS files that are told of for their dates, in words, each once."""

    ended: list[str]
    """By which nobody is let in, or nobody lets us in."""
    ending: list[str]
    """That end within thirty days, or of which a part has."""


class Upkeep:
    """Keeps a running switch's keys and certificates in view."""

    def __init__(
        self, folder: DataFolder, house: House, engine: Engine, log: Logger, record: Record
    ) -> None:
        """Wait for ``start``."""
        self._folder, self._house, self._engine = folder, house, engine
        self._log, self._record = log, record
        self._tasks: set[asyncio.Task[None]] = set()
        self._wanted: list[Wanted] = []
        """Who has the keys read again, as long as somebody does."""
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

    async def catch_up(self, why: str = "changed during the start") -> None:
        """Take up keys that were changed meanwhile, by whomever.

        Returns once they are in use, or it is said why not.
        """
        await self._want(why)

    async def pull_keys(self) -> None:
        """Take up keys that another process has changed, from where all of them keep them.

        Returns once they are in use: whoever changed them confirms it to the bank then.  Raises
        ``Refused`` where they are not, or cannot be reached; the log says why.
        """
        if self._folder.settings.journal.url:
            await asyncio.wrap_future(begun(self._folder.pull_keys))
        if not await self._want("changed by another process"):
            raise Refused("the keys that another process has changed are not in use here")

    def warn_of_certificates(self) -> None:
        """Name in the log each certificate that soon ends or has, and see when the first does."""
        self._first_end = first_end(self._folder)
        dates = dates_of(self._folder, utc_now())
        for reason in dates.ending:
            self._log.warning("certificate ends soon", reason=reason)
        for reason in dates.ended:
            self._log.error("certificate out of date", reason=reason)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def reload_keys(self, why: str) -> None:
        """Read the keys again; those that cannot be used change nothing, and it says so.

        Where an HSM must be asked of them first, of each, they are in use once it has answered;
        what the audit tells is told then.  A call while it is asked is one more reading after.
        """
        if self._engine.check_value is not None:
            self._want(why, asks_all=True)
        elif (vault := self._read()) is not None:
            self._adopt(vault, why)

    def key_not_kept(self, name: KeyName, why: NeighbourUnavailable) -> None:
        """Take up what the file holds: another process changed it, or a change may be in it."""
        if isinstance(why, ChangedMeanwhile):
            self._log.warning("key changed by another process", key=str(name))
            self._want(f"{name} was changed elsewhere")
        else:
            self._want(f"{name} may be kept or not")

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

    def _want(self, why: str, *, asks_all: bool = False) -> "asyncio.Future[bool]":
        """Have the keys read; what is returned ends with a reading that began after the call.

        It tells whether what was read is in use by then.
        """
        over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._wanted.append(Wanted(why, over, asks_all))
        if self._reading is None:
            self._reading = self._later(self._read_and_ask())
        return over

    async def _read_and_ask(self) -> None:
        """Read and ask until nobody wants it anew."""
        try:
            while self._wanted:
                await self._read_once(asks_all=any(one.asks_all for one in self._wanted))
        finally:
            self._reading = None

    async def _read_once(self, *, asks_all: bool) -> None:
        """Read for all who want that by now, and tell them."""
        wanted = [one for one in self._wanted if asks_all >= one.asks_all]
        self._wanted = [one for one in self._wanted if asks_all < one.asks_all]
        is_in_use = False
        try:
            why = ", ".join(dict.fromkeys(one.why for one in wanted))
            is_in_use = await self._adopt_asked(why, asks_all=asks_all)
        finally:
            for one in wanted:
                fulfil(one.over, is_in_use)

    async def _adopt_asked(self, why: str, *, asks_all: bool) -> bool:
        """Take what the file holds into use; tell whether it is."""
        asked: set[TokenId] = set()
        for _ in range(READINGS_MAX):
            begin = partial(read_keys, self._folder, self._house.vault, asked, asks_all=asks_all)
            try:
                reading = await asyncio.wrap_future(begun(begin))
            except (SwitchError, OSError) as wrong:
                self._log.warning("keys not reloaded", reason=str(wrong))
                return False
            unasked = {} if self._engine.check_value is None else reading.unasked
            if not await self._are_right(unasked, asks_all=asks_all):
                return False
            asked |= unasked.keys()
            if asks_all and unasked:
                continue  # that took its time: an officer may have changed more meanwhile
            if (vault := reading.into(self._house.vault)) is not None:
                if asks_all or reading.is_news:
                    self._adopt(vault, why)
                return True
        reason = "they change faster than they are read; tried again shortly"
        self._log.warning("keys not reloaded", reason=reason)
        again = partial(self._want, why, asks_all=asks_all)
        asyncio.get_running_loop().call_later(AGAIN_SECONDS, again)
        return False

    async def _are_right(self, tokens: Tokens, *, asks_all: bool) -> bool:
        """Ask of some at a time; news of a changed key waits for no more than those."""
        wrong, rest = list[str](), iter(tokens.items())
        while some := dict(islice(rest, ASKED_BETWEEN_NEWS)):
            wrong += await wrong_tokens(some, self._engine)
            if asks_all and not all(one.asks_all for one in self._wanted):
                await self._read_once(asks_all=False)
        for reason in wrong:
            self._log.warning("keys not reloaded", reason=reason)
        return not wrong

    async def _warn_of_tokens(self) -> None:
        tokens = tokens_of(self._house.vault)
        for reason in await wrong_tokens(tokens, self._engine):
            self._log.warning("key token wrong", reason=reason)

    def _later(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)
        return task


def dates_of(folder: DataFolder, now: datetime) -> Dates:
    """Look when the TLS files end; ``now`` is in UTC."""
    within, ended, ending = timedelta(days=WARNING_DAYS), list[str](), list[str]()
    for files in _tls_files(folder):
        old = {one.part: one.text for one in tls_problems(files) if one.is_of_date}
        ended += old.values()
        ending += [one.text for one in expiring(files, within, now) if one.part not in old]
    return Dates(list(dict.fromkeys(ended)), list(dict.fromkeys(ending)))


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

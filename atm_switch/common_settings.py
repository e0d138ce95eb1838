"""The settings that a supervisor and all its workers run with.

Why: each read the file by itself once, and one that took the place of a dead one ran with what
had been written there meanwhile: other banks, limits or a longer drain than its siblings had.
Plan: the supervisor reads, at its start and at every SIGHUP, and hands the text down.  A worker
starts with that of the start, and takes anew what its siblings took last, as they say
themselves by its digest, so that what only a restart of the switch changes stays as it is for all.
Limits: what the settings name each worker reads by itself: profiles, certificates and keys at
its start and at SIGHUP, rates at its start alone.
"""

from contextlib import suppress

from atm_switch import seat
from atm_switch.adapters.handed_text import handed
from atm_switch.child import Child
from atm_switch.domain.errors import SwitchError
from atm_switch.folder import DataFolder
from atm_switch.settings.load import read_settings, settings_text
from atm_switch.settings.model import Settings
from atm_switch.start_up import digest_of


class CommonSettings:
    """What was read, and what of it a worker is told."""

    def __init__(self, folder: DataFolder) -> None:
        """Begin with those the folder was opened with."""
        self._root = folder.root
        self.start = folder.text
        """What a worker starts with."""
        self._last: str | None = None
        """As SIGHUP found them last, right or wrong."""
        self._taken: str | None = None
        """The last of them that a worker took."""

    @property
    def were_taken_anew(self) -> bool:
        """Whether a worker that starts has to take others than those of the start."""
        return self._taken is not None

    def read_anew(self) -> Settings | None:
        """Read the file; return what it says where that is well formed: workers judge the rest."""
        self._last = None
        with suppress(SwitchError, OSError, ValueError):
            self._last = settings_text(self._root)
            return read_settings(self._last)
        return None

    def were_taken(self, digest: str) -> Settings | None:
        """Hear the digest of what a worker took; return the settings where they are new to us.

        A worker that was handed none, for the file could not be read here, read it itself.
        """
        if self._taken is not None and digest == digest_of(self._taken):
            return None
        with suppress(SwitchError, OSError, ValueError):
            text = settings_text(self._root) if self._last is None else self._last
            if digest == digest_of(text):
                self._last = self._taken = text
                return read_settings(text)
        return None

    def tell(self, worker: Child) -> bool:
        """Have a worker take anew what SIGHUP found last; tell whether that went out."""
        return _told(worker, self._last)

    def tell_late(self, worker: Child) -> bool:
        """Have one that has just started take what its siblings run with."""
        return _told(worker, self._taken or self.start)


def _told(worker: Child, text: str | None) -> bool:
    """Without a text, or room for it, the worker looks for itself."""
    if text is not None:
        with suppress(OSError), handed(text) as descriptor:
            return worker.control.say({seat.SETTINGS: True}, descriptor)
    return worker.control.say({seat.SETTINGS: True})

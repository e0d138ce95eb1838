"""What SIGHUP reads anew besides keys and certificates: limits, profiles, the log's level.

Plan: the settings are read and judged whole, as at a start; what is wrong with them changes
nothing and is named in the log.  Links that are up stay as they are: limits of a single link
and a dialect count for links from now on, limits of the whole switch at once.
Limits: banks, addresses, neighbours and files need a restart, and the log says which section
waits for one.
"""

from dataclasses import dataclass

from atm_switch.calling import Calling
from atm_switch.domain.errors import SwitchError
from atm_switch.doorways import Doorways
from atm_switch.folder import DataFolder, open_folder
from atm_switch.readiness import refuse_what_cannot_work
from atm_switch.server.desk import Desk
from atm_switch.server.lasting_links import clear_away
from atm_switch.server.log import Logger
from atm_switch.start_up import dialects_of, digest_of, server_limits, tell_of_bound
from atm_switch.switch.house import House

RELOADED = ("limits", "log")
"""Sections whose values count after a reload: every limit, and of the log its level."""


@dataclass(slots=True)
class Reloading:
    """Takes the settings of a running switch anew."""

    folder: DataFolder
    """As it was read last."""
    house: House
    desk: Desk
    doorways: Doorways
    calling: Calling
    log: Logger

    def reload(self, text: str | None) -> str:
        """Read and judge everything, then use what may change; return the digest of what is used.

        ``text``: settings that were handed down; without it those of the file.
        Where they cannot be used nothing changes, and the digest is empty.
        """
        try:
            fresh = open_folder(self.folder.root, text)
            dialects = dialects_of(fresh)
            refuse_what_cannot_work(fresh, self.house.vault)
        except (SwitchError, OSError, ValueError) as wrong:
            self.log.warning("settings not reloaded", reason=str(wrong))
            return ""
        limits = server_limits(fresh.settings)
        tell_of_bound(fresh.settings, self.log)
        self.house.take_limits(fresh.settings.to_policy())
        self.desk.limits = limits
        self.doorways.adopt(dialects, limits.line)
        self.calling.adopt(dialects, limits.line)
        self.log.level = fresh.settings.log.level
        waiting = _waiting_for_restart(self.folder, fresh)
        self.log.info("settings reloaded", **({"need_a_restart": waiting} if waiting else {}))
        clear_away()
        return digest_of(fresh.text)


def _waiting_for_restart(running: DataFolder, fresh: DataFolder) -> list[str]:
    before, after = running.settings, fresh.settings
    names = [name for name in type(after).model_fields if name not in RELOADED]
    waiting = [name for name in names if getattr(before, name) != getattr(after, name)]
    return [*waiting, "log.format"] if before.log.format != after.log.format else waiting

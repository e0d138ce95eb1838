"""Keys that were asked for (161) and wait until a change of them is over."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import LinkId
from atm_switch.switch.house import House
from atm_switch.switch.key_exchange import deliver_key
from atm_switch.switch.ports import Steps

if TYPE_CHECKING:
    from atm_switch.security.key_ring import KeyName


class AwaitedKeys:
    """In the order in which they were asked for."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: list[tuple[Case, KeyName]] = []

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def due(
        self, case: Case, house: House, links: Collection[LinkId]
    ) -> Iterator[tuple[Case, Steps[Response | None]]]:
        """Yield the deliveries to begin, each before the next is looked at.

        Those of ``case``, which has ended, and what waited; but for keys that are being changed
        right now, and for links that are gone.
        """
        waiting, self._waiting = self._waiting, []
        for asker, name in (*waiting, *((case, name) for name in case.wanted_keys)):
            if name in house.changing_keys:
                self._waiting.append((asker, name))
            elif asker.session.link in links:
                own = Case(asker.message, None, asker.rule, asker.session, asker.now, asker.now)
                yield own, deliver_key(own, name, house)

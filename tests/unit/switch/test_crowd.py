"""Claims about how many may be inside, for any coming and going."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.switch.crowd import SURPLUS, Crowd


def request(*, no_room: str) -> Any:
    """A request as far as a crowd looks at it."""
    session = SimpleNamespace(in_flight=0, surplus=0)
    return SimpleNamespace(
        is_counted=False, no_room=no_room, session=session, terminal_counted=None
    )


@given(st.integers(1, 50), st.lists(st.booleans(), max_size=300))
def test_never_more_than_the_limit_and_room_again_at_three_quarters(
    limit: int, comings: list[bool]
) -> None:
    """Once full, nobody is let in before a quarter has gone; the count is never off."""
    crowd, inside = Crowd(), list[Any]()
    was_full = False
    for comes in comings:
        if comes:
            has_room = crowd.has_room(limit)
            was_full = len(inside) >= limit or (was_full and len(inside) > 3 * limit // 4)
            assert has_room is not was_full
            case = request(no_room="" if has_room else SURPLUS)
            crowd.enter(case)
            crowd.enter(case)
            inside += [case] if has_room else []
            if not has_room:
                crowd.leave(case)
        elif inside:
            crowd.leave(inside.pop())
        assert len(inside) == crowd.inside <= limit
        assert not any(case.session.surplus for case in inside)

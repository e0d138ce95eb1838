"""Claims about what repeats: few lines of it, and from the start again each minute."""

from atm_switch.switch.throttle import Throttle


def test_throttle_forgets_after_a_minute() -> None:
    """Each kind is counted on its own, and from the start again in the next minute."""
    throttle = Throttle()

    same = [throttle.count("a", 100.0) for _ in range(4)]
    other, later = throttle.count("b", 159.9), throttle.count("a", 160.0)

    assert [1, 2, 0, 4] == same
    assert (1, 1) == (other, later)

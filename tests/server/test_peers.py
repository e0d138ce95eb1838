"""How many links each peer has, against a plain list of them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from atm_switch.server.peers import Peers

HOSTS = st.sampled_from(["10.0.0.1", "10.0.0.2", "::1"])


@given(st.lists(st.tuples(HOSTS, st.booleans(), st.booleans())))
def test_changes_add_up_to_what_there_is(steps: list[tuple[str, bool, bool]]) -> None:
    """
    Whoever writes down every change knows each host's links, whenever it asked; a host
    without any takes no room.
    """
    peers, there, told = Peers(), Counter[str](), Counter[str]()
    for host, comes, asks in steps:
        if comes or not there[host]:
            peers.came(host)
            there[host] += 1
        else:
            peers.went(host)
            there[host] -= 1
        if asks:
            for changed in peers.changes():
                told[changed] = peers.of(changed)
            assert +there == +told
        assert there[host] == peers.of(host)

    assert set(+there) == set(peers._links)

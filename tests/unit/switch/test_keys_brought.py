"""Claims about PIN keys the bank brings one behind the other, before it has used any of them.

No message of the line is under a PIN key but inquiries, so nothing tells the switch which of
them the bank has gone to until one comes, and one that was asked early may come late.
"""

from itertools import count, permutations

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin
from atm_switch.security.pin_block import encipher
from atm_switch.security.tdes import with_odd_parity
from tests.doubles.bench import PAN, PIN, Bench
from tests.doubles.key_line import OVERLAP, PIN_NAME, ask_for_keys, delivery, inquiry, kinds
from tests.doubles.signed_line import ask_signed, signing_bench

STANS = count(1)
UNDISTURBED = 10
AT_ONCE = 5
"""Keys that may come in a burst: the newest two, and three that fade."""


def keys(number: int) -> list[Key]:
    """So many, and none is part of another."""
    return [
        with_odd_parity(Key(bytes(range(at, at + 16)))) for at in range(40, 40 + 20 * number, 20)
    ]


def brought(bench: Bench, key: Key) -> str:
    """Bring a PIN key; return DE39."""
    return ask_signed(bench, delivery(bench, key, "P0"))[39]


def asked(bench: Bench, key: Key) -> str:
    """Ask with the right PIN under a key; return DE39."""
    block = encipher(Pin(PIN.encode()), Pan(PAN), key)
    return ask_signed(bench, inquiry(bench, next(STANS), block))[39]


def test_request_under_the_first_of_three_keys_is_no_wrong_pin() -> None:
    """The bank goes to each as it hears 00; what it asks under any of them may come behind all."""
    bench = signing_bench()
    three = keys(3)

    said = [brought(bench, key) for key in three]
    codes = [asked(bench, key) for key in (three[0], three[0], three[0], bench.pin_key, *three)]

    assert ["00"] * 3 == said
    assert ["00"] * 7 == codes


def test_key_that_made_room_unused_is_good_for_an_overlap_and_no_longer() -> None:
    """As one that was used; the key in use before the burst is good until one of it is used."""
    bench = signing_bench()
    three = keys(3)
    for key in three:
        brought(bench, key)

    bench.pass_time(OVERLAP - 1)
    before = asked(bench, three[0])
    bench.pass_time(1)
    codes = [asked(bench, key) for key in (three[0], bench.pin_key, three[1])]

    assert "00" == before
    assert ["55", "00", "00"] == codes


def test_key_that_makes_room_for_one_asked_for_is_good_for_an_overlap() -> None:
    """The bank brings two keys and asks for a third before it has used any."""
    bench = signing_bench()
    first, second = keys(2)
    brought(bench, first)
    brought(bench, second)

    answer, _ = ask_for_keys(bench, "PIN")
    codes = [asked(bench, key) for key in (first, bench.pin_key, second)]

    assert "00" == answer[39]
    assert ["00"] * 3 == codes


def test_key_too_many_is_taken_some_seconds_later() -> None:
    """It would drop one that was good just now: 96, nothing kept, and the same again gets 00."""
    bench = signing_bench()
    *burst, last = keys(AT_ONCE + 1)
    said = [brought(bench, key) for key in burst]
    kept = kinds(bench)

    bench.pass_time(UNDISTURBED - 1)
    too_soon, kept_then = brought(bench, last), kinds(bench)
    bench.pass_time(1)
    later = brought(bench, last)

    assert (["00"] * AT_ONCE, "96") == (said, too_soon)
    assert kept == kept_then
    assert "00" == later


@pytest.mark.parametrize("order", list(permutations(range(AT_ONCE + 1), 2)))
def test_all_keys_of_a_burst_are_good_whichever_is_used_first(order: tuple[int, int]) -> None:
    """Also the one before the burst, and behind a key too many, which is no key of the line."""
    bench = signing_bench()
    *burst, last = keys(AT_ONCE + 1)
    for key in (*burst, last):
        brought(bench, key)

    known = [bench.pin_key, *burst]
    codes = [asked(bench, key) for key in (*(known[at] for at in order), *known, last)]

    assert [*["00"] * (2 + len(known)), "55"] == codes


def test_key_of_now_brought_again_is_never_too_many() -> None:
    """The bank has not heard that the last of a burst was taken."""
    bench = signing_bench()
    burst = keys(AT_ONCE)
    for key in burst:
        brought(bench, key)

    assert "00" == brought(bench, burst[-1])


def test_one_message_under_a_key_of_the_burst_makes_room() -> None:
    """It tells where the bank is: the next key is taken at once, as any change that went well."""
    bench = signing_bench()
    *burst, last = keys(AT_ONCE + 1)
    for key in burst:
        brought(bench, key)

    used = asked(bench, burst[-1])
    said = brought(bench, last)
    codes = [asked(bench, key) for key in (*burst[1:], last)]

    assert ("00", "00") == (used, said)
    assert ["00"] * AT_ONCE == codes


def test_clock_set_back_holds_no_key_up() -> None:
    """By the wall clock it is told when a key made room: what is yet to come is not waited for."""
    bench = signing_bench()
    *burst, last = keys(AT_ONCE + 1)
    for key in burst:
        brought(bench, key)

    bench.utc = bench.utc.replace(minute=bench.utc.minute - 1)

    assert "00" == brought(bench, last)


def test_bank_that_lost_its_keys_comes_through() -> None:
    """Ten keys one behind the other, and none used: each is in use within ten seconds."""
    bench = signing_bench()
    for key in keys(10):
        waited = 0
        while brought(bench, key) != "00":
            bench.pass_time(1)
            waited += 1
        assert waited <= UNDISTURBED
        assert key.reveal() == bench.house.vault.keys[PIN_NAME].in_use.token.reveal()

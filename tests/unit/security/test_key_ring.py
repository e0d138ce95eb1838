"""Claims about key ladders: no change of a key leaves the two sides without one in common."""

import copy
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import AES, TDES, Fading, KeyName, KeyUsage, Ladder, LineKey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OVERLAP = timedelta(seconds=300)
OLD, NEW, NEWER, NEWEST = (LineKey.clear(Key(bytes(range(at, at + 16)))) for at in (0, 40, 80, 120))


def test_name_says_whose_and_for_what() -> None:
    """A key's name reads as the commands write it."""
    assert "mac 009" == str(KeyName(KeyUsage.MAC, AcquirerId("009")))
    assert "pin 009/S1ABC123" == str(
        KeyName(KeyUsage.PIN, AcquirerId("009"), TerminalId("S1ABC123"))
    )
    assert "pvk 1" == str(KeyName(KeyUsage.PVK, index="1"))


def test_key_shows_its_check_value_only() -> None:
    """Neither repr nor a copy nor a pickle gives a key away."""
    assert f"<LineKey {OLD.check}>" == repr(OLD)
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be serialised"):
            write(OLD)


@pytest.mark.parametrize("key", [bytes(8), bytes(16), b"\x01" * 16, bytes(range(8)) * 2])
def test_weak_tdes_key_is_refused(key: bytes) -> None:
    """Single length and equal halves make no line key."""
    with pytest.raises(ValueError, match="TDES key"):
        LineKey.clear(Key(key))


def test_aes_key_has_a_check_value_of_its_own() -> None:
    """The same bytes are another key under another algorithm."""
    as_aes = LineKey.clear(OLD.token, AES)

    assert as_aes.check != OLD.check
    assert not as_aes.is_same_as(OLD)


def test_key_is_same_in_any_clothes() -> None:
    """At triple length, in other parity, or as a token of the same check value: one key."""
    bare = OLD.token.reveal()
    tripled = LineKey.clear(Key(bare + bare[:8]))
    even = LineKey.clear(Key(bytes(octet ^ 1 for octet in bare)))
    token = LineKey(Key(b"U" + b"0" * 32), OLD.check, is_clear=False)

    assert [True] * 3 == [OLD.is_same_as(one) for one in (tripled, even, token)]
    assert [True] * 3 == [one.is_same_as(OLD) for one in (tripled, even, token)]
    assert not tripled.is_same_as(NEW)


def test_keys_that_share_a_check_value_by_chance_are_two() -> None:
    """In the clear their octets decide: of some millions of keys two have the same 24 bits."""
    for algorithm in (TDES, AES):
        one, other = (LineKey(key.token, "ABCDEF", algorithm) for key in (OLD, NEW))

        assert not one.is_same_as(other)
        assert not one.has_octets_of(other)
        assert one.is_same_as(LineKey(OLD.token, "ABCDEF", algorithm))


def test_aes_keys_are_the_same_by_every_bit() -> None:
    """They have no parity: a key whose lowest bits differ is another key."""
    bare = OLD.token.reveal()
    one, same = (LineKey.clear(Key(bare), AES) for _ in range(2))
    other = LineKey.clear(Key(bytes(octet ^ 1 for octet in bare)), AES)

    assert one.is_same_as(same)
    assert not one.is_same_as(other)


def test_replaced_key_is_known_in_new_clothes() -> None:
    """What a change put out does not come back at triple length while the old one fades."""
    ladder = Ladder(OLD).received(NEW).seen(NEW, NOW, OVERLAP)
    bare = OLD.token.reveal()

    assert ladder.has_replaced(LineKey.clear(Key(bare + bare[:8])))


def test_received_key_leaves_the_old_one_good() -> None:
    """Both are candidates, the new one first, until a message under it has come."""
    ladder = Ladder(OLD).received(NEW)

    assert (NEW, OLD) == ladder.candidates(NOW + timedelta(days=365))


def test_first_message_under_the_new_dates_the_old() -> None:
    """From then on the old key is good for the overlap and no longer."""
    ladder = Ladder(OLD).received(NEW).seen(NEW, NOW, OVERLAP)

    assert (NEW, OLD) == ladder.candidates(NOW + OVERLAP - timedelta(seconds=1))
    assert (NEW,) == ladder.candidates(NOW + OVERLAP)


def test_messages_under_the_old_change_nothing() -> None:
    """What was on its way under the old key does not shorten its life."""
    ladder = Ladder(OLD).received(NEW)

    assert ladder is ladder.seen(OLD, NOW, OVERLAP)


def test_second_message_does_not_lengthen_the_overlap() -> None:
    """The clock is started once."""
    ladder = Ladder(OLD).received(NEW).seen(NEW, NOW, OVERLAP)

    assert ladder is ladder.seen(NEW, NOW + timedelta(seconds=100), OVERLAP)


def test_same_key_delivered_twice_changes_nothing() -> None:
    """A delivery sent again because its answer was lost does not push the old key out."""
    ladder = Ladder(OLD).received(NEW)

    assert ladder is ladder.received(LineKey.clear(NEW.token))


def test_unused_key_gives_way_not_the_old_one() -> None:
    """A second delivery before the first was ever used keeps the key both sides know."""
    ladder = Ladder(OLD).received(NEW).received(NEWER)

    assert (NEWER, OLD, NEW) == ladder.candidates(NOW)
    seen = ladder.seen(NEWER, NOW, OVERLAP)
    assert (NEWER, OLD, NEW) == seen.candidates(NOW)
    assert (NEWER,) == seen.candidates(NOW + OVERLAP)


def test_used_key_is_kept_at_the_next_change() -> None:
    """Once it was used, the newer key replaces it and it becomes the old one."""
    ladder = Ladder(OLD).received(NEW).seen(NEW, NOW, OVERLAP).received(NEWER)

    assert (NEWER, NEW) == ladder.candidates(NOW + OVERLAP)


def test_two_changes_in_one_overlap_cut_nothing_short() -> None:
    """The key before the one before stays good until its own overlap has run, and no longer."""
    second = NOW + timedelta(seconds=100)
    ladder = Ladder(OLD).received(NEW).seen(NEW, NOW, OVERLAP).received(NEWER)

    ladder = ladder.seen(NEWER, second, OVERLAP)

    assert (NEWER, NEW, OLD) == ladder.candidates(NOW + OVERLAP - timedelta(seconds=1))
    assert (NEWER, NEW) == ladder.candidates(NOW + OVERLAP)
    assert (NEWER,) == ladder.candidates(second + OVERLAP)


def test_every_key_that_left_is_remembered() -> None:
    """Replaced, dropped or refused: none may be delivered again; the one in use may."""
    dropped = Ladder(OLD).offered(NEW).withdrawn()
    officers = Ladder(OLD).received(NEW).replaced(NEWER)

    assert [False, True, False] == [dropped.has_replaced(key) for key in (OLD, NEW, NEWER)]
    assert [True, True, False] == [officers.has_replaced(key) for key in (OLD, NEW, NEWER)]
    assert (OLD.check,) == Ladder(OLD).replaced(NEW).replaced(NEW).past


def test_memory_of_keys_that_left_is_bounded() -> None:
    """Sixteen check values, the oldest forgotten first, and six keys that fade."""
    ladder = Ladder(OLD)
    keys = [LineKey.clear(Key(bytes(range(at, at + 16)))) for at in range(40, 88, 2)]

    for key in keys:
        ladder = ladder.received(key).seen(key, NOW, OVERLAP)

    left = [OLD, *keys][:-8]  # in use, one before and six fading are still there
    assert tuple(key.check for key in left)[-16:] == ladder.past
    assert 6 == len(ladder.fading)


def test_ladders_are_the_same_by_value_only() -> None:
    """Equal keys in other objects are the same; one field that differs is not."""
    twin = LineKey.clear(Key(bytes(range(16))))

    assert Ladder(OLD).is_same_as(Ladder(twin))
    for other in (
        Ladder(NEW), Ladder(OLD, NEW), Ladder(OLD, past=("ABCDEF",)),
        Ladder(OLD, spare=NEW), Ladder(OLD, fading=(Fading(NEW, NOW),)),
        Ladder(LineKey(OLD.token, OLD.check, is_clear=False)),
    ):  # fmt: skip
        assert not Ladder(OLD).is_same_as(other)
    assert not Ladder(OLD, NEW).is_same_as(Ladder(OLD, NEW, until=NOW))
    assert not Ladder(OLD, NEW).is_same_as(Ladder(OLD, NEW, is_coming=True))


def test_offered_key_waits_for_the_peer() -> None:
    """An offered key is taken from the peer, but ours go out under the old one."""
    ladder = Ladder(OLD).offered(NEW)

    assert OLD is ladder.in_use
    assert (OLD, NEW) == ladder.candidates(NOW + timedelta(days=365))


def test_first_use_puts_an_offered_key_in_use() -> None:
    """A message under it, or the peer's 00, makes the offered key the one in use."""
    ladder = Ladder(OLD).offered(NEW).seen(NEW, NOW, OVERLAP)

    assert (NEW, OLD) == ladder.candidates(NOW)
    assert (NEW,) == ladder.candidates(NOW + OVERLAP)


def test_refused_offer_is_forgotten() -> None:
    """After the peer's no only the old key is there; nothing else is ever withdrawn."""
    assert (OLD,) == Ladder(OLD).offered(NEW).withdrawn().candidates(NOW)
    assert (NEW, OLD) == Ladder(OLD).received(NEW).withdrawn().candidates(NOW)


def test_offer_after_a_lost_delivery_keeps_both() -> None:
    """The peer delivered a key, heard nothing, and asks for one: all three may be meant."""
    ladder = Ladder(OLD).received(NEW).offered(NEWER)

    assert (NEW, NEWER, OLD) == ladder.candidates(NOW)
    assert (OLD, NEWER, NEW) == ladder.seen(OLD, NOW, OVERLAP).candidates(NOW)
    assert (NEWER, NEW, OLD) == ladder.seen(NEWER, NOW, OVERLAP).candidates(NOW)
    assert (NEWER,) == ladder.seen(NEWER, NOW, OVERLAP).candidates(NOW + OVERLAP)
    assert (NEW, OLD) == ladder.withdrawn().candidates(NOW)


def test_second_offer_keeps_the_first() -> None:
    """An offer whose answer was lost may have been taken: the next keeps it in mind."""
    ladder = Ladder(OLD).offered(NEW).offered(NEWER)

    assert (OLD, NEWER, NEW) == ladder.candidates(NOW)
    assert (NEW, NEWER, OLD) == ladder.seen(NEW, NOW, OVERLAP).candidates(NOW)


def test_key_before_a_spare_one_stays_good_for_its_overlap() -> None:
    """What was sent under it before the peer took the new one may come behind the next offer."""
    ladder = Ladder(OLD).offered(NEW).offered(NEWER).seen(NEW, NOW, OVERLAP).offered(NEWEST)

    assert (NEW, NEWEST, NEWER, OLD) == ladder.candidates(NOW)
    assert (NEW, NEWEST, NEWER) == ladder.candidates(NOW + OVERLAP)


def test_key_that_another_pushes_out_while_it_fades_is_remembered() -> None:
    """Six keys fade, and a seventh begins to: the first of them may not be delivered again."""
    fading = tuple(
        Fading(LineKey.clear(Key(bytes(range(at, at + 16)))), NOW + OVERLAP)
        for at in range(120, 240, 20)
    )
    ladder = Ladder(OLD, NEW, is_coming=True, spare=NEWER, fading=fading)

    ladder = ladder.seen(NEWER, NOW, OVERLAP)

    assert (NEWER, NEW, OLD) == (ladder.in_use, ladder.other, ladder.spare)
    assert [*(one.key for one in fading[1:]), OLD] == [one.key for one in ladder.fading]
    assert ladder.has_replaced(fading[0].key)


def test_ladder_without_its_spare_still_knows_it() -> None:
    """An offer refused while a later one was on its way: no message under it is taken again."""
    ladder = Ladder(OLD).offered(NEW).offered(NEWER).without_spare()

    assert (OLD, NEWER) == ladder.candidates(NOW)
    assert ladder.is_coming
    assert NEW.check in ladder.past


def test_delivery_after_a_lost_offer_keeps_it() -> None:
    """The peer may have taken our offer before it delivered a key of its own."""
    ladder = Ladder(OLD).offered(NEW).received(NEWER)

    assert (NEWER, OLD, NEW) == ladder.candidates(NOW)
    assert (NEWER, NEW, OLD) == ladder.seen(NEW, NOW, OVERLAP).candidates(NOW)
    assert (NEWER, NEW) == ladder.seen(NEW, NOW, OVERLAP).candidates(NOW + OVERLAP)


@pytest.mark.parametrize(("overlap", "seconds"), [(300, 10), (10, 10), (4, 4), (0, 0)])
def test_ladder_is_crowded_as_long_as_a_key_of_just_now_would_go(
    overlap: int, seconds: int
) -> None:
    """Ten seconds from when the first made room, but no longer than that one is good."""
    span, ladder = timedelta(seconds=overlap), Ladder(OLD)
    for at in range(40, 140, 20):
        assert not ladder.is_crowded(NOW, span)
        ladder = ladder.received(LineKey.clear(Key(bytes(range(at, at + 16)))), NOW + span)

    crowded = [at for at in range(-1, 12) if ladder.is_crowded(NOW + timedelta(seconds=at), span)]

    assert list(range(seconds)) == crowded
    assert not ladder.seen(OLD, NOW, span).seen(ladder.in_use, NOW, span).is_crowded(NOW, span)

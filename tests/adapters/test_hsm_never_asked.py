"""Claims about when a PIN was certainly not looked at, and when nobody can know."""

from dataclasses import replace

import pytest

from atm_switch.domain.errors import NeighbourUnavailable, NeverAsked
from atm_switch.domain.secret import Key
from atm_switch.security.key_ring import LineKey
from tests.doubles.hsm_rig import (
    FIRST,
    PIN,
    SECOND,
    enciphered,
    host_rig,
    left_unanswered,
    software_rig,
)


async def test_no_connection_is_certainly_no_look() -> None:
    """While no HSM is connected the question was never asked."""
    async with host_rig(connections=1) as rig:
        question = rig.pin_question(enciphered(PIN, FIRST))
        await rig.host.close()

        with pytest.raises(NeverAsked):
            await rig.ask(question)


@pytest.mark.parametrize("error", ["10", "11", "13", "17", "39", "68", "69"])
async def test_command_turned_down_is_no_look(error: str) -> None:
    """A code about the command, its keys or the HSM's state says that no PIN was compared."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.error = error

        with pytest.raises(NeverAsked, match=rf"error {error}"):
            await rig.ask(rig.pin_question(enciphered(PIN, FIRST), FIRST, SECOND))


@pytest.mark.parametrize("error", ["41", "42", "99", "ZZ"])
async def test_unclear_codes_may_have_been_a_look(error: str) -> None:
    """A code that does not say when it broke leaves open whether the PIN was looked at."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.error = error

        with pytest.raises(NeighbourUnavailable) as caught:
            await rig.ask(rig.pin_question(enciphered(PIN, FIRST)))

    assert not isinstance(caught.value, NeverAsked)


async def test_answer_too_late_may_have_been_a_look() -> None:
    """A question that was written and not answered may have been looked at."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.drops = 1

        said = await left_unanswered(rig, rig.pin_question(enciphered(PIN, FIRST)))

    assert not isinstance(said, NeverAsked)


async def test_one_lost_answer_of_two_may_have_been_a_look() -> None:
    """Of two keys asked about, one answer lost: the PIN may have been looked at."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.drops = 1

        question = rig.pin_question(enciphered(PIN, SECOND), FIRST, SECOND)
        said = await left_unanswered(rig, question)

    assert not isinstance(said, NeverAsked)


async def test_software_engine_looks_under_no_foreign_key() -> None:
    """A key under an HSM's master key stops the software engine before it looks."""
    async with software_rig() as rig:
        question = rig.pin_question(enciphered(PIN, FIRST))
        foreign = LineKey(Key(b"U" + b"0" * 32), "0" * 6, is_clear=False)

        with pytest.raises(NeverAsked):
            await rig.ask(replace(question, keys=(foreign,)))


async def test_host_engine_looks_under_no_clear_key() -> None:
    """One key in the clear among tokens stops the host engine before anything is sent."""
    async with host_rig(connections=1) as rig:
        question = rig.pin_question(enciphered(PIN, FIRST), FIRST, SECOND)
        sent_before = len(rig.hsm.frames)

        with pytest.raises(NeverAsked):
            await rig.ask(replace(question, keys=(question.keys[0], LineKey.clear(SECOND))))

        assert sent_before == len(rig.hsm.frames)

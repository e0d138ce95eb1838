"""Keys read anew by a running switch: asked of the HSM first, and never over a newer change."""

import asyncio
import os
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from atm_switch import upkeep
from atm_switch.adapters.key_keeper import ChangedMeanwhile
from atm_switch.domain.errors import NeighbourUnavailable, Refused
from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.secret import Key
from atm_switch.key_office import IN_USE
from atm_switch.security.key_ring import Ladder
from atm_switch.security.vault import fresh_line_key
from tests.doubles.upkeep_rig import MAC, SECONDS_MAX, Rig, token


async def test_reload_is_told_when_keys_are_in_use(tmp_path: Path) -> None:
    """As long as the HSM is asked, neither log nor audit says that the keys were read."""
    rig = Rig(tmp_path)
    laid = rig.lay(lambda vault: vault.with_card_layer(Key(os.urandom(32))))

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    early = (rig.events(), list(rig.audit))
    rig.hardware.gate.set()
    await rig.settle()

    assert ([], []) == early
    assert ["keys reloaded"] == rig.events()
    assert [("configuration", "keys", f"{IN_USE} {laid.card_key_ids[0]} (SIGHUP)")] == rig.audit
    assert laid.is_same_as(rig.house.vault)


async def test_key_that_came_while_the_hsm_was_asked_stays(tmp_path: Path) -> None:
    """A key taken over the line in the meantime is in the file and in memory, and stays."""
    rig = Rig(tmp_path)
    newer = token(b"UNEWER", "123456")

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    rig.house.vault = rig.lay(lambda vault: vault.with_key(MAC, newer))
    rig.hardware.gate.set()
    await rig.settle()

    assert "123456" == rig.house.vault.keys[MAC].in_use.check
    assert ["keys reloaded"] == rig.events()


async def test_two_reloads_are_one_after_the_other(tmp_path: Path) -> None:
    """A second SIGHUP meanwhile is one more reading; what is news waits for neither."""
    rig = Rig(tmp_path)

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()
    asked = rig.hardware.asked
    rig.upkeep.reload_keys("SIGHUP")
    rig.upkeep.key_not_kept(MAC, ChangedMeanwhile("changed"))
    rig.lay(lambda vault: vault.with_key(MAC, token(b"ULATER", "ABC123")))
    await rig.settle()
    still = rig.hardware.asked
    rig.hardware.gate.set()
    await rig.settle()

    assert (1, 1) == (asked, still)
    assert "ABC123" == rig.house.vault.keys[MAC].in_use.check
    assert ["(mac 009 was changed elsewhere)", "(SIGHUP)", "(SIGHUP)"] == [
        detail[detail.index("(") :] for _, _, detail in rig.audit
    ]


@pytest.mark.parametrize("hangups", [1, 2])
async def test_news_of_one_key_waits_for_no_nation_of_tokens(tmp_path: Path, hangups: int) -> None:
    """While SIGHUP has thousands asked about, a key another process took is in use after some.

    A second SIGHUP meanwhile changes nothing of that; all are asked about once more for it.
    """
    rig = Rig(tmp_path)
    terminals = [replace(MAC, terminal=TerminalId(f"S1A{at:05d}")) for at in range(1_200)]
    keys = {name: Ladder(token(b"U%d" % at, f"{at:06X}")) for at, name in enumerate(terminals)}
    rig.house.vault = rig.lay(lambda vault: replace(vault, keys={**vault.keys, **keys}))
    pulled: list[asyncio.Task[None]] = []
    asked_by_then: list[int] = []

    def other_process() -> None:
        if rig.hardware.asked == 5 and hangups == 2:
            rig.upkeep.reload_keys("SIGHUP")
        if rig.hardware.asked == 10:
            rig.lay(lambda vault: vault.with_key(MAC, token(b"ULATER", "ABC123")))
            pulled.append(asyncio.create_task(rig.upkeep.pull_keys()))
            pulled[0].add_done_callback(lambda _: asked_by_then.append(rig.hardware.asked))

    rig.hardware.between = other_process
    rig.hardware.gate.set()
    rig.upkeep.reload_keys("SIGHUP")
    async with asyncio.timeout(SECONDS_MAX):
        while not asked_by_then or len(rig.audit) <= hangups:
            await rig.settle()

    assert asked_by_then[0] < 1_200 < rig.hardware.asked
    assert "ABC123" == rig.house.vault.keys[MAC].in_use.check
    assert ["(changed by another process)", *hangups * ["(SIGHUP)"]] == [
        detail[detail.index("(") :] for _, _, detail in rig.audit
    ]


async def test_wrong_token_leaves_the_keys_as_they_are(tmp_path: Path) -> None:
    """Nothing is adopted and nothing recorded; the log names every wrong key."""
    rig = Rig(tmp_path)
    before = rig.house.vault
    rig.lay(lambda vault: vault.with_key(MAC, token(b"UOTHER", "654321")))
    rig.hardware.wrong = "FFFFFF"
    rig.hardware.gate.set()

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()

    assert before is rig.house.vault
    assert [] == rig.audit
    assert {"keys not reloaded"} == set(rig.events())


async def test_hsm_that_is_away_is_no_hindrance(tmp_path: Path) -> None:
    """Its tokens are believed until it is back, as at the start."""
    rig = Rig(tmp_path)
    rig.hardware.is_away = True
    rig.hardware.gate.set()
    laid = rig.lay(lambda vault: vault.with_key(MAC, token(b"UOTHER", "654321")))

    rig.upkeep.reload_keys("SIGHUP")
    await rig.settle()

    assert laid.is_same_as(rig.house.vault)


async def test_tokens_are_asked_once_more_at_the_start(tmp_path: Path) -> None:
    """An HSM that came after the first look is asked all the same; a wrong token is an alarm."""
    rig = Rig(tmp_path)
    rig.hardware.wrong = "FFFFFF"
    rig.hardware.gate.set()

    rig.upkeep.start()
    await rig.settle()
    rig.upkeep.stop()

    assert "key token wrong" in rig.events()


async def test_keys_of_another_process_are_pulled_once_they_are_in_use(tmp_path: Path) -> None:
    """Whoever changed them confirms it to the bank then: not while the HSM is still asked."""
    rig = Rig(tmp_path)
    changed = rig.lay(lambda vault: vault.with_key(MAC, token(b"new", "ABCDEF")))

    pulling = asyncio.create_task(rig.upkeep.pull_keys())
    async with asyncio.timeout(SECONDS_MAX):
        while not rig.hardware.asked:
            await asyncio.sleep(0.005)
        was_pulled = pulling.done()
        rig.hardware.gate.set()
        await pulling

    assert not was_pulled
    assert rig.house.vault.is_same_as(changed)


@pytest.mark.parametrize("is_hardware", [False, True])
async def test_keys_that_are_not_in_use_are_not_taken_for_pulled(
    tmp_path: Path, *, is_hardware: bool
) -> None:
    """Whoever changed them would confirm to the bank what this process does not know."""
    rig = Rig(tmp_path, is_hardware=is_hardware)
    before = rig.house.vault
    rig.lay(lambda vault: vault.with_key(MAC, token(b"UOTHER", "654321")))
    rig.hardware.wrong = "FFFFFF"
    rig.hardware.gate.set()
    if not is_hardware:
        rig.folder.key_file.write_bytes(b"spoilt")

    with pytest.raises(Refused, match="are not in use here"):
        await rig.upkeep.pull_keys()

    assert before is rig.house.vault
    assert {"keys not reloaded"} == set(rig.events())


async def test_software_keys_are_in_use_at_once(tmp_path: Path) -> None:
    """Without hardware nobody needs to be asked; a file that cannot be used changes nothing."""
    rig = Rig(tmp_path, is_hardware=False)
    laid = rig.lay(lambda vault: vault.with_card_layer(Key(os.urandom(32))))

    rig.upkeep.reload_keys("SIGHUP")
    first = rig.house.vault
    rig.folder.key_file.write_bytes(b"spoilt")
    rig.upkeep.reload_keys("SIGHUP")

    assert laid.is_same_as(first)
    assert first is rig.house.vault
    assert ["keys reloaded", "keys not reloaded"] == rig.events()
    assert 1 == len(rig.audit)


async def test_keys_changed_while_the_switch_started_are_taken_up(tmp_path: Path) -> None:
    """What an officer changed between the first reading and the first message counts."""
    rig = Rig(tmp_path, is_hardware=False)

    await rig.upkeep.catch_up()
    unchanged = rig.events()
    laid = rig.lay(lambda vault: vault.with_card_layer(Key(os.urandom(32))))
    await rig.upkeep.catch_up()

    assert [] == unchanged
    assert laid.is_same_as(rig.house.vault)
    assert ["keys reloaded"] == rig.events()


async def test_keys_that_never_hold_still_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes on the line faster than the HSM is asked delay an officer's, and no more."""
    monkeypatch.setattr(upkeep, "AGAIN_SECONDS", 0.0)
    rig = Rig(tmp_path)
    rig.hardware.gate.set()
    tokens = (token(b"U%d" % at, f"{at:06X}") for at in count(1))
    rig.hardware.between = lambda: rig.lay(lambda vault: vault.with_key(MAC, next(tokens)))

    rig.upkeep.reload_keys("SIGHUP")
    async with asyncio.timeout(SECONDS_MAX):
        while not rig.events():  # each change is synced to the disk: no more than it takes
            await asyncio.sleep(0.001)
    rig.hardware.between = None
    await rig.settle()

    assert "keys not reloaded" == rig.events()[0]
    assert "keys reloaded" == rig.events()[-1]
    assert rig.folder.vault().is_same_as(rig.house.vault)


@pytest.mark.parametrize(
    ("why", "events"),
    [
        (NeighbourUnavailable("the folder cannot be synced"), ["keys reloaded"]),
        (ChangedMeanwhile("changed"), ["key changed by another process", "keys reloaded"]),
    ],
)
async def test_key_that_was_not_kept_for_certain_is_looked_up(
    tmp_path: Path, why: NeighbourUnavailable, events: list[str]
) -> None:
    """What the file holds is in use a moment later, without a reload or another change."""
    rig = Rig(tmp_path, is_hardware=False)
    laid = rig.lay(lambda vault: vault.with_key(MAC, fresh_line_key("T", os.urandom)))

    rig.upkeep.key_not_kept(MAC, why)
    await rig.settle()

    assert rig.house.vault.is_same_as(laid)
    assert events == rig.events()

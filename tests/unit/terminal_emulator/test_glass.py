"""Claims about the glass: what stands where, on the low one and on the high one."""

import pytest

from terminal_emulator.atm_screen.faces import Act, Face, Key
from terminal_emulator.atm_screen.glass import COLUMNS, HIGH, LOW, Pane, drawn
from terminal_emulator.screen import WIDTH

PANES = pytest.mark.parametrize("pane", [LOW, HIGH], ids=["low", "high"])
KEYS = {slot: Key(f"Label{slot}", Act.MENU) for slot in range(8)}


def rows_of(face: Face, pane: Pane) -> list[str]:
    """The rows of a drawn face."""
    return drawn(face, pane).plain.split("\n")


@PANES
def test_labels_stand_in_the_rows_of_their_keys(pane: Pane) -> None:
    """Label n of either side is at its edge, within the rows its key has in the column of keys."""
    rows = rows_of(Face(("body",), KEYS, title="TITLE"), pane)

    for slot in range(8):
        (at,) = [number for number, row in enumerate(rows) if f"Label{slot}" in row]
        first = 2 + slot % 4 * pane.key_rows
        assert first <= at < first + pane.key_rows
        edge = rows[at].startswith("◂ ") if slot < 4 else rows[at].endswith(" ▸")
        assert edge


@PANES
def test_text_of_the_host_keeps_its_columns_beside_all_labels(pane: Pane) -> None:
    """Thirteen lines of forty columns and eight labels stand side by side, none of them cut."""
    lines = tuple(f"{number:02d}".ljust(WIDTH - 1, ".") + "|" for number in range(13))

    rows = rows_of(Face(lines, KEYS, is_block=True), pane)

    margin = (COLUMNS - WIDTH) // 2
    assert list(lines) == [row[margin:-margin] for row in rows if "|" in row]
    assert all(any(key.label in row for row in rows) for key in KEYS.values())


@PANES
def test_label_does_not_change_how_the_text_beside_it_looks(pane: Pane) -> None:
    """Bold is the first line of the host's text and the labels, and nothing else."""
    lines = tuple("x" * WIDTH for _ in range(13))

    text = drawn(Face(lines, KEYS, is_block=True), pane)

    bold = {at for span in text.spans if span.style == "bold" for at in range(*span[:2])}
    crosses = [at for at, one in enumerate(text.plain) if one == "x"]
    assert crosses[:WIDTH] == [at for at in crosses if at in bold]
    assert "" == text.style


@PANES
def test_label_without_a_body_has_half_the_glass(pane: Pane) -> None:
    """The menu's long entry is whole, in two lines, and a note stands below a label."""
    long = "Cek Saldo BPJS Ketenagakerjaan"
    keys = {0: Key(long, Act.MENU), 7: Key("Coba lagi", Act.RETRY, note="Try again")}

    rows = rows_of(Face((), keys, title="MENU", hint="a hint"), pane)

    words = " ".join(" ".join(rows).replace("◂", "").replace("▸", "").split())
    assert long in words
    assert "MENU" in rows[0]
    assert "a hint" in rows[1]
    (label,) = [number for number, row in enumerate(rows) if "Coba lagi" in row]
    assert "Try again" in rows[label + 1]


def test_alarm_is_seen_in_the_title_too() -> None:
    """Title and glass have the same colour of alarm, which the title of other pages has not."""
    styles = [
        str(drawn(Face(title="T", is_alarm=is_alarm), LOW).spans[0].style)
        for is_alarm in (False, True)
    ]

    assert styles[0] != styles[1]

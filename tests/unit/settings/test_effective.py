"""What is in effect, and why."""

import pytest

from atm_switch.settings.effective import effective_settings
from atm_switch.settings.load import read_settings

TEXT = '[[listeners]]\n[[acquirers]]\nid = "009"\nname = "B"\n[limits]\nidle_seconds_max = 5\n'


def test_every_value_names_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Default, file and environment are told apart, value by value."""
    monkeypatch.setenv("ATM_LOG__LEVEL", "debug")

    rows = {row.key: row for row in effective_settings(read_settings(TEXT), TEXT)}

    assert "default" == rows["listeners[1].profile"].origin
    assert "switch.toml" == rows["limits.idle_seconds_max"].origin
    assert "environment" == rows["log.level"].origin
    assert '"debug"' == rows["log.level"].value
    assert "-" == rows["limits.bad_frames_per_minute"].value

"""The example is made from the fields, so it cannot drift from what is read."""

import tomllib

from pydantic import BaseModel

from atm_switch.settings.example import TABLES, example_text, table_text, toml_value
from atm_switch.settings.listener import Listener
from atm_switch.settings.load import read_settings
from atm_switch.settings.model import Settings
from atm_switch.settings.sections import Acquirer, Limits


def test_example_loads_as_the_defaults() -> None:
    """What the example says is what would hold without it."""
    settings = read_settings(example_text())

    expected = Settings(
        listeners=(Listener(),), acquirers=(Acquirer(id="009", name="BANK CONTOH"),)
    )
    assert expected == settings


def test_example_names_every_key() -> None:
    """Each key of each section stands in the example, with its meaning above it."""
    text = example_text()
    models: list[type[BaseModel]] = list(TABLES.values())
    models += [
        type(field.default)
        for field in Settings.model_fields.values()
        if isinstance(field.default, BaseModel)
    ]

    missing = [
        name
        for model in models
        for name in model.model_fields
        if f"\n{name} = " not in text and f"\n# {name} = " not in text
    ]

    assert [] == missing
    assert all(field.description for model in models for field in model.model_fields.values())


def test_bound_that_each_worker_has_for_itself_says_so() -> None:
    """Who sets it for the whole switch would let in as many times more as there are workers."""
    limits = Limits.model_fields

    for name in ("in_flight_max", "in_flight_per_terminal_max"):
        assert "worker" in str(limits[name].description)


def test_commented_keys_are_right_too() -> None:
    """Taking the marks off the commented keys gives settings that load as well."""
    commented = (
        "# [[terminals]]",
        "# [[lines]]",
        "# connect =",
        "# id =",
        "# acquirer =",
        "# zone =",
        "# bad_frames",
    )
    lines = [
        line.removeprefix("# ") if line.startswith(commented) else line
        for line in example_text().splitlines()
    ]

    settings = read_settings("\n".join(lines))

    assert "S1ABC123" == settings.terminals[0].id
    assert 60 == settings.limits.bad_frames_per_minute
    assert "009" == settings.listeners[0].acquirer


def test_table_text_reads_back() -> None:
    """A table written for a new folder holds the values it was given."""
    written = table_text("[[acquirers]]", Acquirer, {"id": "009", "name": 'BANK "SATU"'})

    assert {"acquirers": [{"id": "009", "name": 'BANK "SATU"'}]} == tomllib.loads(written)


def test_odd_text_is_written_as_toml() -> None:
    """Quotes, backslashes, control characters and DEL survive the way through TOML."""
    odd = 'a"b\\c\x01\x7fé'

    assert odd == tomllib.loads(f"x = {toml_value(odd)}")["x"]

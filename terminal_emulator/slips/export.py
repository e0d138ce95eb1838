"""Slips on their way out: which form a file has, and the bytes of each.

Limits: SVG and text need nothing; PNG needs the extra ``slips``, ESC/POS the extra
``printer``, both imported when they are asked for.
"""

from enum import Enum, unique
from importlib.util import find_spec
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from terminal_emulator.given_file import require_writable
from terminal_emulator.slips.paper import Paper
from terminal_emulator.slips.picture import svg_of


@unique
class Form(Enum):
    """What a slip can be written as; the value is the word on the command line."""

    TEXT = "text"
    SVG = "svg"
    PNG = "png"
    ESCPOS = "escpos"


NEEDS = {
    Form.PNG: ("PIL", "for PNG do: pip install 'atm-switch[slips]'; SVG needs nothing"),
    Form.ESCPOS: ("escpos", "for ESC/POS do: pip install 'atm-switch[printer]'"),
}
"""The package a form is made by, and how to get it."""
SUFFIXES = {".txt": Form.TEXT, ".svg": Form.SVG, ".png": Form.PNG, ".bin": Form.ESCPOS}


def form_of(path: Path) -> Form:
    """Tell the form by a file's ending.  Raises ``click.UsageError``."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise click.UsageError(f"a slip's file ends in {', '.join(SUFFIXES)}")
    return form


def require_ready(form: Form, path: Path) -> None:
    """See that a slip can be written once there is one.  Raises ``Refused``."""
    require_package(form)
    require_writable([path])


def require_package(form: Form) -> None:
    """Raise ``Refused`` where the package that makes this form is not installed."""
    package, remedy = NEEDS.get(form, ("", ""))
    if package and find_spec(package) is None:
        raise Refused(remedy)


def rendered(paper: Paper, form: Form) -> bytes:
    """Write a slip in a form.  Raises ``Refused`` where an extra is not installed."""
    if form is Form.TEXT:
        return ("\n".join(paper.lines) + "\n").encode("ascii")
    if form is Form.SVG:
        return svg_of(paper).encode("ascii")
    if form is Form.PNG:
        return _png(paper)
    return _escpos(paper)


def export(paper: Paper, form: Form, path: Path) -> None:
    """Write a slip into a file.  Raises ``Refused``."""
    content = rendered(paper, form)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None


def _png(paper: Paper) -> bytes:
    require_package(Form.PNG)
    from terminal_emulator.slips.raster import png_of

    return png_of(paper)


def _escpos(paper: Paper) -> bytes:
    require_package(Form.ESCPOS)
    from terminal_emulator.slips.printer import escpos_of

    return escpos_of(paper)

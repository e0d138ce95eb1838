"""Compile the codec: into the wheel where ``ATM_SWITCH_COMPILE=1``, or in place (make compiled).

A plain install never comes here with that set, so it needs no compiler; the sources run as
they are.  Needs Cython, setuptools, a C compiler and the interpreter's headers.
"""

import os
import sys
import tempfile
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
FOLDER = Path("atm_switch", "wire")
NEEDS = ["cython>=3.1,<4", "setuptools>=65"]


class CompiledCodec(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the compiled modules into a wheel, when it is asked to."""

    def dependencies(self) -> list[str]:
        """Name what the build needs beside hatchling."""
        return NEEDS if _is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile into a folder of our own, and have its files put in."""
        if not _is_wanted() or version == "editable":
            return
        self._built = tempfile.TemporaryDirectory(prefix="atm-switch-compiled-")
        for file in compiled_codec(ROOT, Path(self._built.name)):
            build_data["force_include"][str(file)] = str(FOLDER / file.name)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        del version, build_data, artifact_path
        if hasattr(self, "_built"):
            self._built.cleanup()


def compiled_codec(root: Path, target: Path) -> list[Path]:
    """Compile the modules of ``root`` into ``target``; return the files made, and their note."""
    from Cython.Build import cythonize  # noqa: PLC0415 - a plain build has no Cython
    from setuptools import Extension  # noqa: PLC0415
    from setuptools.dist import Distribution  # noqa: PLC0415

    variant = _variant(root)
    with tempfile.TemporaryDirectory(prefix="atm-switch-c-") as scratch:
        before = Path.cwd()
        os.chdir(root)  # Cython names what it makes by the path from here
        try:
            extensions = [
                Extension(
                    f"atm_switch.wire.{name}",
                    [str(FOLDER / f"{name}.py")],
                    extra_compile_args=["-O3", "-g0"],
                )
                for name in variant.MODULES
            ]
            modules = cythonize(  # type: ignore[no-untyped-call]
                extensions,
                build_dir=scratch,
                quiet=True,
                compiler_directives={"language_level": 3, "annotation_typing": False},
            )
            build = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
            build.build_lib, build.build_temp = str(target.resolve()), scratch
            build.parallel = os.cpu_count()
            build.ensure_finalized()
            build.run()
        finally:
            os.chdir(before)
    note = target / FOLDER / variant.NOTE
    note.write_text(variant.note_of(root / FOLDER, target / FOLDER))
    return [Path(file) for file in build.get_outputs()] + [note]


def _is_wanted() -> bool:
    return os.environ.get("ATM_SWITCH_COMPILE", "") not in ("", "0")  # noqa: TID251


def _variant(root: Path) -> ModuleType:
    # By its file: the package itself needs more than a build has.
    loader = SourceFileLoader("variant", str(root / FOLDER / "variant.py"))
    module = ModuleType(loader.name)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    print(*(file.name for file in compiled_codec(where, where)), sep="\n")  # noqa: T201

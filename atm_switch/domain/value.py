"""A value: a dataclass with slots that nobody changes once it is made.

Plan: mypy, strict over sources and tests, holds whoever would assign to a field; equality, hash
and ``dataclasses.replace`` are those of a frozen dataclass.
Why not ``frozen=True``: that is held at run time too, by an ``__init__`` that puts each field in
through ``object.__setattr__``.  A request makes some forty values, and they took a fifth of it.
Limits: at run time a field can be assigned to.  What is made once, as settings and keys are, is
a frozen dataclass all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def value(kind: type[T], /) -> type[T]: ...


@overload
def value(*, order: bool = False, repr: bool = True) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(kind: type[Any] | None = None, /, **how: bool) -> Any:
    """Make a value of a class: ``@value``, or with what ``dataclass`` takes, ``@value(...)``."""
    make = dataclass(slots=True, unsafe_hash=True, **how)
    return make if kind is None else make(kind)


class Word(Enum):
    """An enumeration whose members are keys as fast as any object.

    Why: ``Enum`` has a hash written in Python, and a request looks up some ten words.
    """

    __hash__ = object.__hash__

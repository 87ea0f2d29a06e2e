"""Telling JSON values apart, in a way that type checkers follow, and the steps of a JSON path."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

STEP: Final = re.compile(r"\.([^.\[\]]+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\*|\d+)\]")
"""One step of a JSON path; exactly one of its groups holds the name, the number or `*`."""


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def step_name(step: re.Match[str]) -> str:
    """What a step goes to."""
    return next(group for group in step.groups() if group is not None)


def steps_of(path: str) -> tuple[str, ...]:
    """The steps of a JSON path: names, numbers, and `*` for any of both."""
    return tuple(map(step_name, STEP.finditer(path)))

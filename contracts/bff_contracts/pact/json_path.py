"""Type guards for JSON values, and the steps of a JSON path."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard, TypeVar

STEP: Final = re.compile(r"\.([^.\[\]]+)|\['([^']*)'\]|\[\"([^\"]*)\"\]|\[(\*|\d+)\]")
"""One step of a JSON path; exactly one of its groups holds the name, the number or `*`."""

T = TypeVar("T")


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, (dict, Mapping))  # most are a dict, which is seen at once


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def step_name(step: re.Match[str]) -> str:
    """The name, number or `*` of a step."""
    return next(group for group in step.groups() if group is not None)


def steps_of(path: str) -> tuple[str, ...]:
    """The steps of a JSON path: names, numbers, and `*` for any name or number."""
    return tuple(map(step_name, STEP.finditer(path)))


def most_exact(rules: Mapping[str, T], at: tuple[str, ...]) -> tuple[T, bool] | None:
    """The entry that applies to a place, of several by JSON path, and whether it is for that place itself.

    An entry also applies to everything below its place; the most specific one counts.
    """
    spelled = ((steps_of(path), rule) for path, rule in rules.items())
    fitting = [
        (len(steps), sum(step == there for step, there in zip(steps, at, strict=False)), rule)
        for steps, rule in spelled
        if len(steps) <= len(at) and all(step in {"*", there} for step, there in zip(steps, at, strict=False))
    ]
    best = max(fitting, key=lambda one: one[:2], default=None)
    return None if best is None else (best[2], best[0] == len(at))

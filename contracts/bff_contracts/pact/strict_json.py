"""Reads JSON strictly: Python's own reader also accepts NaN and infinities."""

import json
from collections.abc import Callable
from math import isfinite
from typing import Any

Members = list[tuple[str, Any]]


def strict_loads(text: str, object_of: Callable[[Members], dict[str, Any]] = dict) -> Any:
    """The value of a JSON text.

    Args:
        text: The text.
        object_of: Makes an object of its members, which may have the same name.

    Raises:
        ValueError: It is not JSON, or holds NaN, an infinity, or a number that is too large.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_constant=_no_number, parse_float=_float, object_pairs_hook=object_of)


def _no_number(name: str) -> float:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        message = f"{text[:40]} is too large for a number"
        raise ValueError(message)
    return number

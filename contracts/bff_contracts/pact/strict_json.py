"""Reads JSON strictly: Python's own reader also accepts NaN and infinities."""

import json
from math import isfinite
from typing import Any


def strict_loads(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is not JSON, or holds NaN, an infinity, or a number that is too large.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_constant=_no_number, parse_float=_float)


def _no_number(name: str) -> float:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        message = f"{text[:40]} is too large for a number"
        raise ValueError(message)
    return number

"""JSON values: telling them apart in a way that type checkers follow, and writing them."""

import json
from collections.abc import Mapping
from typing import Any, TypeGuard


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def dumps(value: object) -> str:
    """Compact JSON; Swedish text stays readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""Decodes a body into a model, with bounds on time and memory for wrong bodies too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from bff_clients._fail_fast import MistakeError, TooManyEntriesError, fail_fast
from bff_clients.models import AnswerModel

T = TypeVar("T")

_SHOWN: Final = 3
"""How many mistakes in a body a message names."""

_OUTSIDE: Final = "body outside the contract"

_SMALL_BYTES: Final = 2048
"""All mistakes of a body of up to this size are collected, a page of three rows for instance: at worst that takes 2 ms
and 1.5 MB, seven hundred times its size."""

_UNCHECKED_BYTES: Final = 16 * 1024
"""A body of up to this size is parsed without looking at its structure: at worst that takes 2 ms and 0.8 MB."""

_LEAST_BYTES: Final = 256 * 1024
"""A smaller body may have the structure of one of this size, 2 MB at worst: providers may add lists of numbers."""

_STEPS: Final = (127, 131)
"""The distances of the bytes that are looked at first: looking at all of them takes a third of the time of decoding.
Two primes, because a body that repeats itself may hide its structure from one."""

_CONTAINER_BYTES: Final = 100
_MEMBER_BYTES: Final = 40
"""What Pydantic allocates for an object or array, and for what follows a comma."""

_MOST_STRUCTURE: Final = 2.5
"""Bytes that may be allocated for each byte of a body. The leanest answers of the contract need 2.3: lists of
students with short names, and pages whose essays hold nothing but `null`."""

_OPENINGS: Final[Mapping[str, bytes]] = {"list": b"[", "tuple": b"[", "dict": b"{", "model": b"{"}
"""How the JSON of a Pydantic schema begins."""

_CONTENT: Final = bytes(set(range(256)) - set(b"{[,"))


@dataclass(frozen=True, slots=True)
class Broken:
    """A body outside the contract; `detail` says where and how, and quotes none of it."""

    detail: str


def decoded(body: bytes, adapter: TypeAdapter[T], *, most: int, check: Callable[[T], str | None] | None) -> T | Broken:
    """Read a body. A failure is returned, not raised: its exception and traceback would hold the body.

    Args:
        body: JSON.
        adapter: Reads it.
        most: The most entries that its outermost list or map may have.
        check: Checks the result further; returns the problem, or `None`.
    """
    if len(body) > _UNCHECKED_BYTES:
        if _is_too_dense(body):
            return Broken(f"{_OUTSIDE}: more structure than content")
        # Pydantic would copy all of it into an error.
        if not body.lstrip().startswith(_opening(adapter.core_schema)):
            return Broken(f"{_OUTSIDE}: body: invalid")
    try:
        value: T = fail_fast(adapter).validate_json(body, most=most)
    except ValidationError as error:
        return Broken(_places(error))
    except MistakeError as error:
        return Broken(_described(error, body, adapter))
    except TooManyEntriesError:
        return Broken("more entries than there can be")
    wrong = None if check is None else check(value)
    return value if wrong is None else Broken(wrong)


def _is_too_dense(body: bytes) -> bool:
    """Whether parsing a body would take many times its memory: ``[{"":0},…]`` takes almost fifty times."""
    most = _MOST_STRUCTURE * max(1, _LEAST_BYTES / len(body))
    sample = b"".join(body[::step] for step in _STEPS)
    return _structure(sample) > most and _structure(body) > most


def _opening(schema: Mapping[str, Any]) -> bytes:
    return _opening(schema["schema"]) if schema["type"] == "definitions" else _OPENINGS.get(schema["type"], b"")


def _structure(part: bytes) -> float:
    """The bytes that may be allocated for each byte."""
    structure = part.translate(None, _CONTENT)  # in one pass, which takes a third of the time of three counts
    commas = structure.count(b",")
    return (_CONTAINER_BYTES * (len(structure) - commas) + _MEMBER_BYTES * commas) / len(part)


def _described(first: MistakeError, body: bytes, adapter: TypeAdapter[Any]) -> str:
    """All mistakes of a small body, and the first one of another."""
    if len(body) <= _SMALL_BYTES:
        try:
            adapter.validate_json(body)
        except ValidationError as error:
            return _places(error)
    return f"{_OUTSIDE}: {first}"


def _places(error: ValidationError) -> str:
    """Say where a body breaks the contract and how, without quoting it."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = "; ".join(f"{'.'.join(map(_step, entry['loc'])) or 'body'}: {entry['type']}" for entry in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{_OUTSIDE}: {shown}{more}"


def _step(step: Any) -> str:
    """A step of the path to a mistake; a key that is not a model's field comes from the body and is shown as ``*``."""
    return str(step) if isinstance(step, int) or step in _field_names() else "*"


@lru_cache(maxsize=1)
def _field_names() -> frozenset[str]:
    return frozenset(name for model in AnswerModel.models() for name in model.model_fields)

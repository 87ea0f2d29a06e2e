"""Reads a body into a model, with bounds on time and memory for wrong bodies too.

msgspec reads the structure: only the members that the models have, each of its field's JSON type. It skips the others
without keeping them, and stops at the first mistake. Pydantic then checks the values. Pydantic alone would build a tree
of the whole body, and copy objects into each error about them: hundreds of times the size of the body.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache, partial
from types import GenericAlias, UnionType
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from bff_clients.models import AnswerModel

T = TypeVar("T")

_SHOWN: Final = 3
"""How many mistakes in a body a message names."""

_OUTSIDE: Final = "body outside the contract"

_SMALL_BYTES: Final = 2048
"""All mistakes of a body of up to this size are collected, a page of three rows for instance: at worst that takes 2 ms
and 1.5 MB, seven hundred times its size."""

_MISTAKE: Final = re.compile(r"(?:Object missing required field `(\w+)`|.*?)(?: - at `\$(.*)`)?")
"""msgspec's message: the name of a missing member, and the path to the mistake, such as ``.batches[0]``."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A body outside the contract; `detail` says where and how, and quotes none of it."""

    detail: str


class Body(Generic[T]):
    """What the body of a response is read into.

    Args:
        kind: A model, or a list or map of models.
        entries: The field of the model that holds its rows; `None` if the body itself is a list or map.
    """

    def __init__(self, kind: type[T], *, entries: str | None = None) -> None:
        self._kind = kind
        self._entries = entries
        self._values: TypeAdapter[T] = TypeAdapter(kind)

    @cached_property
    def _structure(self) -> "msgspec.json.Decoder[Any]":
        return msgspec.json.Decoder(_shape(self._kind))

    def read(self, body: bytes, *, most: int, check: Callable[[T], str | None] | None = None) -> T | Broken:
        """Read a body. A failure is returned, not raised: its exception and traceback would hold the body.

        Args:
            body: JSON.
            most: The most entries that its list or map may have.
            check: Checks the result further; returns the problem, or `None`.
        """
        try:
            structure = self._structure.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return Broken(f"{_OUTSIDE}: {self._all_mistakes(body) or _mistake(error)}")
        if len(structure if self._entries is None else getattr(structure, self._entries)) > most:
            return Broken("more entries than there can be")
        try:
            value = self._values.validate_python(structure, from_attributes=True)
        except ValidationError as error:
            return Broken(f"{_OUTSIDE}: {_mistakes(error)}")
        wrong = None if check is None else check(value)
        return value if wrong is None else Broken(wrong)

    def _all_mistakes(self, body: bytes) -> str | None:
        """Those of a small body."""
        if len(body) <= _SMALL_BYTES:
            try:
                self._values.validate_json(body)
            except ValidationError as error:
                return _mistakes(error)
        return None


def _shape(kind: Any) -> Any:
    """The type of the JSON that Pydantic reads as `kind`, for msgspec."""
    origin, inner = get_origin(kind), tuple(map(_shape, get_args(kind)))
    if origin is Annotated:
        return inner[0]
    if origin in {list, tuple, dict}:
        return GenericAlias(origin, inner)
    if origin in {Union, UnionType}:
        return Union[inner]  # noqa: UP007
    if origin is Literal or _is_a(kind, str, datetime):
        return str
    return _struct(kind) if _is_a(kind, BaseModel) else kind


def _is_a(kind: object, *bases: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, bases)


@lru_cache(maxsize=64)
def _struct(model: type[BaseModel]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        default = () if field.is_required() else (partial(field.get_default, call_default_factory=True),)
        fields.append((name, _shape(field.annotation), *(msgspec.field(default_factory=one) for one in default)))
    return msgspec.defstruct(model.__name__, fields, kw_only=True, gc=False)


def _mistake(error: Exception) -> str:
    """The place and the kind of a mistake in the structure."""
    if not isinstance(error, msgspec.ValidationError):
        return "body: json_invalid"
    found = _MISTAKE.fullmatch(str(error))
    missing, path = found.groups() if found else (None, None)
    steps = re.findall(r"\w+|\.\.\.", path or "")  # `...` is a key of a map
    place = ".".join("*" if step == "..." else step for step in [*steps, *([missing] if missing else [])])
    return f"{place or 'body'}: {'missing' if missing else 'invalid'}"


def _mistakes(error: ValidationError) -> str:
    """Where a body breaks the contract and how, without quoting it."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    shown = "; ".join(f"{'.'.join(map(_step, entry['loc'])) or 'body'}: {entry['type']}" for entry in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{shown}{more}"


def _step(step: Any) -> str:
    """A step of the path to a mistake; a key that is not a model's field comes from the body and is shown as ``*``."""
    return str(step) if isinstance(step, int) or step in _field_names() else "*"


@lru_cache(maxsize=1)
def _field_names() -> frozenset[str]:
    return frozenset(name for model in AnswerModel.models() for name in model.model_fields)

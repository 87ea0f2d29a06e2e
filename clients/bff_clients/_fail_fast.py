"""Validators that stop at the first mistake.

Pydantic copies a value into each error about it, and the whole object for each of its fields that is missing: a row of
very many unknown members costs hundreds of times its size, and blocks the event loop for a second. Here every field has
a default that raises, for when it is missing and for when it is wrong; an exception that is not a `ValueError` ends the
validation before Pydantic makes Python objects for an error. The entries of the outermost list or map are counted as
they are read: Pydantic's own `max_length` reads them all before it looks at their number.
"""

import threading
from collections.abc import Generator, Iterable, Mapping, Sized
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import Any, Final, Literal, NoReturn, TypeAlias, TypeVar, cast

from pydantic import BaseModel, TypeAdapter
from pydantic_core import SchemaValidator

from bff_clients.models import AnswerModel

T = TypeVar("T")

_Schema: TypeAlias = Mapping[str, Any]
"""Pydantic's core schema, of which only a few parts matter here."""
_Path: TypeAlias = tuple[str, ...]
_Kind: TypeAlias = Literal["missing", "invalid"]

_NESTED: Final = ("schema", "items_schema", "values_schema", "choices")
"""The keys under which a schema has inner schemas. A schema with inner ones under other keys is used unchanged."""

_ROW: Final = "#"
_ENTRY: Final = "*"
"""Steps into a list, and into a map or a place that is not known, on the way to a field."""

_UNCOUNTED_BYTES: Final = 16 * 1024
"""The entries of a body of up to this size are counted when all of them have been read, which takes less time."""


class MistakeError(Exception):
    """A body is outside its model; the message is the place and the kind of the first mistake."""


class TooManyEntriesError(Exception):
    """A list or map has too many entries."""


class _Reading(threading.local):
    """What is read in this thread: the entries so far, and the first mistake.

    Not Pydantic's context, which a default does not get; and of nested exceptions Pydantic keeps the outermost.
    """

    most = 0
    entries = 0
    path: _Path | None = None
    kind: _Kind = "invalid"


_reading: Final = _Reading()


class FailFast:
    """Reads the same values as an adapter, and stops at the first mistake or the first entry too many.

    Args:
        adapter: What bodies should be.
    """

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._counting = _validator(adapter.core_schema, ())
        self._plain = _validator(adapter.core_schema, (_ENTRY,))  # as if in a list, whose entries are not counted

    def validate_json(self, body: bytes, *, most: int) -> Any:
        """Read a body.

        Args:
            body: JSON.
            most: The most entries that its outermost list or map may have.

        Raises:
            MistakeError: It is not what it should be.
            TooManyEntriesError: It has more entries.
            pydantic.ValidationError: It is not JSON.
        """
        if len(body) <= _UNCOUNTED_BYTES:
            with suppress(MistakeError):  # read it again to see where
                value = self._plain.validate_json(body)
                if isinstance(value, Sized) and len(value) > most:
                    raise TooManyEntriesError
                return value
        _reading.most, _reading.entries, _reading.path = most, 0, None
        with suppress(MistakeError):  # the outermost; it knows less than what was noticed first
            return self._counting.validate_json(body)
        if _reading.entries > most:
            raise TooManyEntriesError
        path: _Path = _reading.path or ()
        place = ".".join(str(_reading.entries) if step == _ROW else step for step in path)
        raise MistakeError(f"{place or 'body'}: {_reading.kind}")


@lru_cache(maxsize=64)
def fail_fast(adapter: TypeAdapter[Any]) -> FailFast:
    """The validator of an adapter, which is made once."""
    return FailFast(adapter)


_building: Final = threading.Lock()


def _validator(schema: _Schema, path: _Path) -> SchemaValidator:
    changed: Any = _guarded(_changed(schema, path), path)
    with _building, _unfinished(AnswerModel.models()):
        return SchemaValidator(changed)


def _changed(schema: _Schema, path: _Path) -> _Schema:  # noqa: PLR0911  # one for each kind
    """The schema with raising defaults."""
    match schema["type"]:
        case "model":
            guarded = _guarded({**schema, "schema": _changed(schema["schema"], path)}, path)
            return {**guarded, "ref": schema["ref"]} if "ref" in schema else guarded
        case "model-fields":
            fields = {name: _field(field, (*path, name)) for name, field in schema["fields"].items()}
            return {**schema, "fields": fields}
        case "definitions":  # schemas that are in several places
            definitions = [_changed(one, (_ENTRY,)) for one in schema["definitions"]]
            return {**schema, "schema": _changed(schema["schema"], path), "definitions": definitions}
        case "dict" if _is_outermost(path):  # counted by its keys
            values = _changed(schema["values_schema"], (*path, _ENTRY))
            return {**schema, "keys_schema": _counted(schema["keys_schema"]), "values_schema": values}
        case "list" if _is_outermost(path):
            return {**schema, "items_schema": _counted(_changed(schema["items_schema"], (*path, _ROW)))}
        case "tuple" if _is_outermost(path):
            items = [_counted(_changed(one, (*path, _ROW))) for one in schema["items_schema"]]
            return {**schema, "items_schema": items}
        case "tuple" | "list" | "dict":
            path = (*path, _ENTRY)
        case "enum" if schema.get("sub_type") == "str":
            # Otherwise Pydantic makes a Python object of every value to look it up.
            return {"type": "chain", "steps": [{"type": "str"}, schema]}
        case _:
            pass
    return {**schema, **{key: _nested(schema[key], path) for key in _NESTED if key in schema}}


def _nested(schema: Any, path: _Path) -> Any:
    if isinstance(schema, list):
        return [_changed(one, path) for one in cast("list[_Schema]", schema)]
    return _changed(schema, path)


def _is_outermost(path: _Path) -> bool:
    return _ROW not in path and _ENTRY not in path


def _counted(entry: _Schema) -> _Schema:
    return {"type": "function-after", "function": {"type": "no-info", "function": _count}, "schema": entry}


def _count(entry: T) -> T:
    _reading.entries += 1
    if _reading.entries > _reading.most:
        raise TooManyEntriesError
    return entry


def _field(field: _Schema, path: _Path) -> _Schema:
    schema = field["schema"]
    if schema["type"] == "default":  # one that may be missing
        return {**field, "schema": {**schema, "schema": _guarded(_changed(schema["schema"], path), path)}}
    guarded = _guarded(_changed(schema, path), path)
    missing = partial(_notice, path, "missing")
    return {**field, "schema": {"type": "default", "default_factory": missing, "schema": guarded}}


def _guarded(schema: _Schema, path: _Path) -> _Schema:
    """A schema that raises where it would give an error, before the value is copied into it."""
    invalid = partial(_notice, path, "invalid")
    return {"type": "default", "on_error": "default", "default_factory": invalid, "schema": schema}


def _notice(path: _Path, kind: _Kind) -> NoReturn:
    if _reading.path is None:
        _reading.path, _reading.kind = path, kind
    raise MistakeError


@contextmanager
def _unfinished(models: Iterable[type[BaseModel]]) -> Generator[None]:
    """Have Pydantic build the validators of models from their schemas: it would use those that the classes have."""
    chosen = [model for model in models if model.__pydantic_complete__]
    for model in chosen:
        model.__pydantic_complete__ = False
    try:
        yield
    finally:
        for model in chosen:
            model.__pydantic_complete__ = True

"""Validators that stop at the first mistake, for bodies that are too large to collect all of them.

Pydantic copies a value into each error about it, and the whole object for each of its fields that is missing: a row of
very many unknown members costs a hundred times its size, and blocks the event loop for a second. Here every field has a
default that raises, for when it is missing and for when it is wrong; an exception that is not a `ValueError` ends the
validation before Pydantic makes Python objects for an error. The entries of the outermost list or map are counted as
they are read: Pydantic's own `max_length` reads them all before it looks at their number.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Literal, NoReturn, TypeAlias, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationInfo
from pydantic_core import CoreConfig, SchemaValidator

T = TypeVar("T")

_Schema: TypeAlias = Mapping[str, Any]
"""Pydantic's core schema, of which only a few parts matter here."""
_Validated: TypeAlias = tuple[dict[str, Any], dict[str, Any] | None, set[str]]
"""What Pydantic sets on a model: its fields, its extra values, and the names of the fields that were given."""
_Path: TypeAlias = tuple[str, ...]
_Kind: TypeAlias = Literal["missing", "invalid"]

_NESTED: Final = ("schema", "items_schema", "values_schema", "choices")
"""The keys under which a schema has inner schemas. A schema with inner ones under other keys is used unchanged."""

_ANYTHING: Final[_Schema] = {"type": "any"}

_ROW: Final = "#"
_ENTRY: Final = "*"
"""Steps into a list, and into a map or a place that is not known, on the way to a field."""


class MistakeError(Exception):
    """A body is outside its model; the message is the place and the kind of the first mistake."""


class TooManyEntriesError(Exception):
    """A list or map has too many entries."""


@dataclass(slots=True)
class _Entries:
    """Counts entries against a limit. Passed as Pydantic's validation context."""

    most: int
    read: int = 0

    def count(self) -> None:
        self.read += 1
        if self.read > self.most:
            raise TooManyEntriesError


class _Noticed(threading.local):
    """The first mistake of the reading in this thread: of nested exceptions Pydantic keeps the outermost."""

    path: _Path | None = None
    kind: _Kind = "invalid"


_noticed: Final = _Noticed()


class FailFast:
    """Reads the same values as an adapter, and stops at the first mistake or the first entry too many.

    Args:
        adapter: What bodies should be.
    """

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        config: CoreConfig = {}
        schema: Any = _guarded(_changed(adapter.core_schema, (), config), ())
        self._validator = SchemaValidator(schema, config)

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
        _noticed.path = None
        entries = _Entries(most)
        with suppress(MistakeError):  # the outermost; it knows less than what was noticed first
            return self._validator.validate_json(body, context=entries)
        if entries.read > most:
            raise TooManyEntriesError
        path: _Path = _noticed.path or ()
        place = ".".join(str(entries.read) if step == _ROW else step for step in path)
        raise MistakeError(f"{place or 'body'}: {_noticed.kind}")


@lru_cache(maxsize=64)
def fail_fast(adapter: TypeAdapter[Any]) -> FailFast:
    """The validator of an adapter, which is made once."""
    return FailFast(adapter)


def _changed(schema: _Schema, path: _Path, config: CoreConfig) -> _Schema:
    """The schema with raising defaults; the configuration of its models is added to `config`."""
    match schema["type"]:
        case "model" if schema["schema"]["type"] == "model-fields" and not schema.get("post_init"):
            return _model(schema, path, config)
        case "model-fields":
            fields = {name: _field(field, (*path, name), config) for name, field in schema["fields"].items()}
            return {**schema, "fields": fields}
        case "definitions":  # schemas that are in several places
            definitions = [_changed(one, (_ENTRY,), config) for one in schema["definitions"]]
            return {**schema, "schema": _changed(schema["schema"], path, config), "definitions": definitions}
        case "tuple" | "list" | "dict" if _ROW not in path and _ENTRY not in path:
            return _outermost(schema, path, config)
        case "tuple" | "list" | "dict":
            path = (*path, _ENTRY)
        case "enum" if schema.get("sub_type") == "str":
            # Otherwise Pydantic makes a Python object of every value to look it up.
            return {"type": "chain", "steps": [{"type": "str", "strict": True}, schema]}
        case _:
            pass
    return {**schema, **{key: _nested(schema[key], path, config) for key in _NESTED if key in schema}}


def _nested(schema: Any, path: _Path, config: CoreConfig) -> Any:
    if isinstance(schema, list):
        return [_changed(one, path, config) for one in cast("list[_Schema]", schema)]
    return _changed(schema, path, config)


def _outermost(schema: _Schema, path: _Path, config: CoreConfig) -> _Schema:
    """A list or map whose entries are counted, in a map by its keys."""
    if schema["type"] == "dict":
        values = _nested(schema.get("values_schema", _ANYTHING), (*path, _ENTRY), config)
        return {**schema, "keys_schema": _counted(schema.get("keys_schema", _ANYTHING)), "values_schema": values}
    items = _nested(schema.get("items_schema", _ANYTHING), (*path, _ROW), config)
    return {**schema, "items_schema": [_counted(one) for one in items] if isinstance(items, list) else _counted(items)}


def _counted(entry: Any) -> _Schema:
    return {"type": "function-after", "function": {"type": "with-info", "function": _count}, "schema": entry}


def _count(entry: T, info: ValidationInfo) -> T:
    cast("_Entries", info.context).count()
    return entry


def _model(schema: _Schema, path: _Path, config: CoreConfig) -> _Schema:
    """A model's schema as a function's: of a model inside another Pydantic takes the validator that the class has."""
    config.update({key: value for key, value in schema.get("config", {}).items() if key != "title"})  # type: ignore[typeddict-item]
    function = {"type": "no-info", "function": _builder(schema["cls"])}
    fields = _changed(schema["schema"], path, config)
    guarded = _guarded({"type": "function-after", "function": function, "schema": fields}, path)
    return {**guarded, "ref": schema["ref"]} if "ref" in schema else guarded


def _field(field: _Schema, path: _Path, config: CoreConfig) -> _Schema:
    schema = field["schema"]
    if schema["type"] == "default":  # one that may be missing
        return {**field, "schema": {**schema, "schema": _guarded(_changed(schema["schema"], path, config), path)}}
    guarded = _guarded(_changed(schema, path, config), path)
    missing = partial(_notice, path, "missing")
    return {**field, "schema": {"type": "default", "default_factory": missing, "schema": guarded}}


def _guarded(schema: _Schema, path: _Path) -> _Schema:
    """A schema that raises where it would give an error, before the value is copied into it."""
    invalid = partial(_notice, path, "invalid")
    return {"type": "default", "on_error": "default", "default_factory": invalid, "schema": schema}


def _notice(path: _Path, kind: _Kind) -> NoReturn:
    if _noticed.path is None:
        _noticed.path, _noticed.kind = path, kind
    raise MistakeError


def _builder(model: type[BaseModel]) -> Callable[[_Validated], BaseModel]:
    """Do what Pydantic does with validated fields, and `BaseModel.model_construct` at several times the cost."""
    new, put = model.__new__, object.__setattr__

    def build(validated: _Validated) -> BaseModel:
        one = new(model)
        fields, extra, given = validated
        put(one, "__dict__", fields)
        put(one, "__pydantic_extra__", extra)
        put(one, "__pydantic_fields_set__", given)
        put(one, "__pydantic_private__", None)
        return one

    return build

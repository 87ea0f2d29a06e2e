"""The environment variables of the settings: their names, the misspelled ones, and errors that name them."""

import inspect
import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import AliasChoices, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

PREFIX: Final = "BFF_TEACHER_SERVICE_"

_ALIKE: Final = 0.8
"""The similarity from which a name counts as a misspelling of another."""

_OPTIONS: Final = frozenset(inspect.signature(BaseSettings.__init__).parameters)
"""Pydantic's own keywords for settings, such as ``_env_file``."""

_EMPTY: Final = PydanticCustomError("missing", "Field required, but the variable is empty")

_LOG: Final = logging.getLogger("bff_clients")
_reported: set[str] = set()
"""The variables that have been reported: settings may be read many times in one process."""


def _variables_of(name: str, field: FieldInfo) -> list[str]:
    """The variables from which a setting is read."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    return [alias if isinstance(alias, str) else f"{PREFIX}{name.upper()}"]


def report_unread_variables(variables: Iterable[str], fields: Mapping[str, FieldInfo]) -> None:
    """Report the variables with the service's prefix that no setting is read from, each once in a process.

    A name that is almost a setting's is a warning. Any other may be a setting of the service itself, which has the same
    prefix: those are listed in one INFO record.
    """
    known = {variable.removeprefix(PREFIX) for name, field in fields.items() for variable in _variables_of(name, field)}
    others: list[str] = []
    for variable in sorted({name.upper() for name in variables} - _reported):
        name = variable.removeprefix(PREFIX)
        if name in known or not variable.startswith(PREFIX):
            continue
        _reported.add(variable)
        if alike := get_close_matches(name, known, n=1, cutoff=_ALIKE):
            _LOG.warning("no setting is read from the variable %s; did you mean %s%s?", variable, PREFIX, alike[0])
        else:
            others.append(variable)
    if others:
        _LOG.info("the RAS and CMS clients do not read the variables %s", ", ".join(others))


def refused_name(values: Iterable[str], fields: Mapping[str, FieldInfo]) -> TypeError | None:
    """The error for a keyword that is not a setting; Pydantic would ignore it."""
    aliases = {
        alias for name, field in fields.items() if field.validation_alias for alias in _variables_of(name, field)
    }
    for name in values:
        if name not in fields and name not in aliases and name not in _OPTIONS:
            known = _OPTIONS if name.startswith("_") else fields
            return TypeError(f"there is no setting {name!r}; {_nearest(name.removeprefix(PREFIX), known)}")
    return None


def _nearest(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name.lower(), known, n=1, cutoff=0)
    return f"did you mean {found[0]!r}?" if found else ""


def with_variables(error: ValidationError, cls: type[BaseSettings], given: Mapping[str, Any]) -> ValidationError:
    """The same errors, named by the variables that were read, and without the values.

    Args:
        error: What Pydantic raised; it names some settings by their field and some by the first of their variables.
        cls: The settings.
        given: What was passed by name.
    """
    read_from, empty = _read_variables(cls, given)
    lines: list[InitErrorDetails] = []
    for line in error.errors(include_url=False, include_input=False):
        loc = line["loc"]
        if loc:
            loc = (read_from.get(str(loc[0]), loc[0]), *loc[1:])
        kind = _EMPTY if line["type"] == "missing" and not empty.isdisjoint(loc) else line["type"]
        lines.append({"type": kind, "loc": loc, "input": None, "ctx": line.get("ctx", {})})
    return ValidationError.from_exception_data(error.title, lines, hide_input=True)


def _read_variables(cls: type[BaseSettings], given: Mapping[str, Any]) -> tuple[dict[str, str], set[str | int]]:
    """The variable that each setting was read from, by each name of the setting; and the variables that are empty."""
    file = {"env_file": given["_env_file"]} if "_env_file" in given else {}
    sources = [
        EnvSettingsSource(cls, env_ignore_empty=False).env_vars,
        DotEnvSettingsSource(cls, env_ignore_empty=False, **file).env_vars,
    ]
    read_from: dict[str, str] = {}
    empty: set[str | int] = set()
    for name, field in cls.model_fields.items():
        variables = _variables_of(name, field)
        if given.keys().isdisjoint({name, *variables}):
            values = [(variable, source.get(variable.lower())) for source in sources for variable in variables]
            full = [variable for variable, value in values if value]
            blank = [variable for variable, value in values if value == ""]
            read_from |= dict.fromkeys((name, *variables), (full or blank or variables)[0])
            empty.update(blank)
    return read_from, empty

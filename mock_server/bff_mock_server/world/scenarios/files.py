"""Scenario files: YAML, checked against the catalogue of provider states before anything is served.

A file lists provider states with their params, the vocabulary that the contracts and the provider teams use. A school
of 250 batches would need 15,000 lines, so a file may also list teachers with their number of batches, which become
provider states. Every error names file, line and field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bff_contracts.pact.json_path import is_object
from bff_contracts.platform import BY_NAME
from bff_contracts.states import (
    BATCHES_HAVE_CLASSES,
    BATCHES_HAVE_STUDENT_NAMES,
    BATCHES_HAVE_VALIDATIONS,
    CATALOGUE,
    USER_HAS_BATCHES,
    InternalStatus,
)
from bff_contracts.text_files import read_text
from bff_mock_server._suggest import meant
from bff_mock_server.faults.spec import Armed, FaultError, Route, parse_faults, parse_route
from bff_mock_server.world.scenarios.document import Document, Loc, ScenarioError, read_document
from bff_mock_server.world.scenarios.model import Scenario, StateCall, Teacher
from bff_mock_server.world.scenarios.school import StudentNames, TeachersBatches, teacher_id

_PROVIDERS: Final[Mapping[str, str]] = {name: provider.name for name, provider in BY_NAME.items()}
_SUFFIXES: Final = (".yaml", ".yml")
_PACKAGE: Final = "bff_mock_server.world.scenarios"
_SHIPPED: Final = "data"
_MOST_BATCHES: Final = 500_000
"""The most batches of all teachers together, which take some 600 MB, and ten seconds to start."""
_STATES: Final = {state.name: state for state in CATALOGUE}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Teacher(_Part):
    name: Annotated[str, Field(min_length=1)]
    purpose: str = ""
    user_id: Annotated[str, Field(min_length=1)] | None = None
    batches: Annotated[int, Field(ge=0, le=10_000)] = 0
    statuses: tuple[InternalStatus, ...] = Field(default=("completed_successfully",), strict=False, min_length=1)
    classes: tuple[str | None, ...] = Field(default=(None,), strict=False, min_length=1)
    fault: str | None = None


class _State(_Part):
    state: str
    params: Mapping[str, Any]
    fault: str | None = None


class _Fault(_Part):
    on: str
    fault: str


class _File(_Part):
    about: str = ""
    teachers: tuple[_Teacher, ...] = Field(default=(), strict=False)
    states: tuple[_State, ...] = Field(default=(), strict=False)
    faults: tuple[_Fault, ...] = Field(default=(), strict=False)


_PARTS: Final[Mapping[str, type[_Part]]] = {"": _File, "teachers": _Teacher, "states": _State, "faults": _Fault}


def shipped_scenarios() -> tuple[str, ...]:
    """The names of the scenarios in this package."""
    folder = files(_PACKAGE) / _SHIPPED
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def find_scenario(name: str) -> Scenario:
    """A shipped scenario by its name, or one of a file by its path.

    Raises:
        ScenarioError: There is no such scenario, or it cannot be used.
    """
    if not name.endswith(_SUFFIXES):
        known = shipped_scenarios()
        if name not in known:
            message = f"no scenario {name!r}; {meant(name, known)}; or the path of a .yaml file"
            raise ScenarioError(message)
        text = (files(_PACKAGE) / _SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
        return read_scenario(text, name=name, source=f"{name}.yaml")
    try:
        text = read_text(Path(name))
    except OSError as error:
        message = f"{name}: {error.strerror or error}"
        raise ScenarioError(message) from error
    except UnicodeDecodeError as error:
        message = f"{name}: not UTF-8 text ({error.reason} at byte {error.start})"
        raise ScenarioError(message) from error
    return read_scenario(text, name=Path(name).stem, source=name)


def read_scenario(text: str, *, name: str, source: str) -> Scenario:
    """Read a scenario out of the text of its file.

    Args:
        text: The file's text.
        name: What the scenario is called.
        source: What messages call the file.

    Raises:
        ScenarioError: It cannot be used.
    """
    document = read_document(text, source)
    try:
        file = _File.model_validate(document.value)
    except ValidationError as error:
        raise _errors(document, error) from error
    batches = sum(teacher.batches for teacher in file.teachers)
    if batches > _MOST_BATCHES:
        raise document.problem(("teachers",), f"{batches} batches; the maximum is {_MOST_BATCHES}")
    _check_unique([teacher.user_id or teacher_id(teacher.name) for teacher in file.teachers], document)
    parts = [
        *(_of_teacher(teacher, at, document) for at, teacher in enumerate(file.teachers)),
        *(_of_state(state, at, document) for at, state in enumerate(file.states)),
        *(_of_fault(fault, at, document) for at, fault in enumerate(file.faults)),
    ]
    return Scenario(
        name=name,
        teachers=tuple(part.teacher for part in parts if part.teacher is not None),
        states=tuple(state for part in parts for state in part.states),
        faults=tuple(armed for part in parts for armed in part.faults),
        about=file.about.strip(),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """The part of a scenario that one entry of a file adds."""

    states: tuple[StateCall, ...] = ()
    faults: tuple[Armed, ...] = ()
    teacher: Teacher | None = None


def _of_teacher(teacher: _Teacher, at: int, document: Document) -> _Entry:
    user_id = teacher.user_id or teacher_id(teacher.name)
    batches = TeachersBatches(user_id, teacher.batches, teacher.statuses)
    states = [StateCall(USER_HAS_BATCHES, batches)]
    if teacher.batches:
        states.append(StateCall(BATCHES_HAVE_CLASSES, {"classes": batches.classes(teacher.classes)}))
        states.append(StateCall(BATCHES_HAVE_VALIDATIONS, {"validations": batches.validations(teacher.classes)}))
        states.append(StateCall(BATCHES_HAVE_STUDENT_NAMES, StudentNames(batches, teacher.classes)))
    about = frozenset({user_id, *batches.batch_ids}) if teacher.fault is not None else frozenset[str]()
    return _Entry(
        tuple(states),
        _faults(teacher.fault, Route(about=about), ("teachers", at, "fault"), document),
        Teacher(user_id, teacher.name, teacher.purpose, teacher.batches),
    )


def _of_state(state: _State, at: int, document: Document) -> _Entry:
    known = _STATES.get(state.state)
    if known is None:
        message = f"unknown provider state {state.state!r}; {meant(state.state, _STATES)}"
        raise document.problem(("states", at, "state"), message)
    try:
        known.params.model_validate(dict(state.params))
    except ValidationError as error:
        raise _errors(document, error, ("states", at, "params")) from error
    route = Route(about=frozenset(_ids(state.params)))
    return _Entry(
        (StateCall(state.state, state.params),), _faults(state.fault, route, ("states", at, "fault"), document)
    )


def _of_fault(fault: _Fault, at: int, document: Document) -> _Entry:
    try:
        route = parse_route(fault.on, _PROVIDERS)
    except FaultError as error:
        raise document.problem(("faults", at, "on"), str(error)) from error
    return _Entry(faults=_faults(fault.fault, route, ("faults", at, "fault"), document))


def _ids(params: Mapping[str, Any]) -> Iterator[str]:
    """The ids that a state is about: requests that name one of them meet its fault."""
    yield from (params[name] for name in ("user_id", "batch_id") if name in params)
    yield from (row["batch_id"] for row in params.get("batches", ()))
    yield from (name for value in params.values() if is_object(value) for name in value)


def _faults(text: str | None, route: Route, loc: Loc, document: Document) -> tuple[Armed, ...]:
    if text is None:
        return ()
    try:
        faults = parse_faults(text)
    except FaultError as error:
        raise document.problem(loc, str(error)) from error
    if not faults:
        raise document.problem(loc, f"{text!r} arms nothing; leave it out")
    return (Armed(route, faults, place=document.place(loc[:-1])),)


def _check_unique(user_ids: Sequence[str], document: Document) -> None:
    seen: set[str] = set()
    for at, user_id in enumerate(user_ids):
        if user_id in seen:
            raise document.problem(("teachers", at), f"there is another teacher with the user id {user_id}")
        seen.add(user_id)


def _errors(document: Document, error: ValidationError, prefix: Loc = ()) -> ScenarioError:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]["loc"]
    # What is wrong inside a list makes the list wrong too: once is enough.
    shown = [item for item in problems[:5] if item is problems[0] or item["loc"] != first[: len(item["loc"])]]
    lines = (
        document.problem((*prefix, *item["loc"]), _in_our_words(item["type"], item["loc"], item["msg"]))
        for item in shown
    )
    return ScenarioError("\n".join(map(str, lines)))


def _in_our_words(kind: str, loc: Loc, message: str) -> str:
    match kind:
        case "extra_forbidden":
            *above, name = loc
            part = _PARTS.get(str(above[0]) if above else "")
            return f"unknown field; {meant(str(name), part.model_fields)}" if part is not None else message
        case "tuple_type":
            return "expected a list"
        case "model_type" | "dict_type" | "model_attributes_type":
            return "expected fields (name: value)"
        case _:
            return message

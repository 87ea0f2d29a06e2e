"""Scenario files: YAML, checked against the catalogue of provider states before anything is served.

A file lists provider states with their params, the vocabulary that the contracts and the provider teams use. A school
of 250 batches would need 15,000 lines, so a file may also list teachers with their number of batches, which become
provider states. Every error names file, line and field.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bff_contracts.pact.json_path import is_object
from bff_contracts.platform import BY_NAME
from bff_contracts.states import CATALOGUE, InternalStatus
from bff_contracts.text_files import read_text
from bff_mock_server._suggest import meant
from bff_mock_server.faults.spec import Armed, FaultError, Route, parse_route
from bff_mock_server.world.scenarios.document import Document, Loc, read_document
from bff_mock_server.world.scenarios.entries import Part, TeacherEntry, armed, part_of, scenario_of
from bff_mock_server.world.scenarios.model import Scenario, ScenarioError, StateCall

_PROVIDERS: Final[Mapping[str, str]] = {name: provider.name for name, provider in BY_NAME.items()}
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


def read_file(path: str) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: It does not exist, or it cannot be used.
    """
    try:
        text = read_text(Path(path))
    except OSError as error:
        message = f"{path}: {error.strerror or error}"
        raise ScenarioError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 text ({error.reason} at byte {error.start})"
        raise ScenarioError(message) from error
    return read_scenario(text, name=Path(path).stem, source=path)


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
    _check_unique([_entry(teacher).id for teacher in file.teachers], document)
    parts = [
        *(_of_teacher(teacher, at, document) for at, teacher in enumerate(file.teachers)),
        *(_of_state(state, at, document) for at, state in enumerate(file.states)),
        *(_of_fault(fault, at, document) for at, fault in enumerate(file.faults)),
    ]
    return scenario_of(name, file.about.strip(), parts)


def _of_teacher(teacher: _Teacher, at: int, document: Document) -> Part:
    place = document.place(("teachers", at)) if teacher.fault is not None else ""
    try:
        return part_of(_entry(teacher), place)
    except FaultError as error:
        raise document.problem(("teachers", at, "fault"), str(error)) from error


def _entry(teacher: _Teacher) -> TeacherEntry:
    return TeacherEntry(**dict(teacher))


def _of_state(state: _State, at: int, document: Document) -> Part:
    known = _STATES.get(state.state)
    if known is None:
        message = f"unknown provider state {state.state!r}; {meant(state.state, _STATES)}"
        raise document.problem(("states", at, "state"), message)
    try:
        known.params.model_validate(dict(state.params))
    except ValidationError as error:
        raise _errors(document, error, ("states", at, "params")) from error
    route = Route(about=frozenset(_ids(state.params)))
    return Part((StateCall(state.state, state.params),), _faults(state.fault, route, ("states", at, "fault"), document))


def _of_fault(fault: _Fault, at: int, document: Document) -> Part:
    try:
        route = parse_route(fault.on, _PROVIDERS)
    except FaultError as error:
        raise document.problem(("faults", at, "on"), str(error)) from error
    return Part(faults=_faults(fault.fault, route, ("faults", at, "fault"), document))


def _ids(params: Mapping[str, Any]) -> Iterator[str]:
    """The ids that a state is about: requests that name one of them meet its fault."""
    yield from (params[name] for name in ("user_id", "batch_id") if name in params)
    yield from (row["batch_id"] for row in params.get("batches", ()))
    yield from (name for value in params.values() if is_object(value) for name in value)


def _faults(text: str | None, route: Route, loc: Loc, document: Document) -> tuple[Armed, ...]:
    try:
        return armed(text, route, document.place(loc[:-1]))
    except FaultError as error:
        raise document.problem(loc, str(error)) from error


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

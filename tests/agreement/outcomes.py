"""Lists the outcomes of each client method, with the interaction or test of each: a page of docs/evidence/.

`python -m tests.agreement.outcomes` writes the page.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from bff_clients import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendTimeout,
    BackendUnavailable,
    BatchPage,
    ContractViolation,
    EndpointMissing,
    InvalidArgument,
)
from bff_contracts.pact.file import Interaction, Request, shipped_pacts
from tests.agreement.operations import OPERATIONS, SETTINGS, Answer, Arguments, Operation

PAGE: Final = Path(__file__).parents[2] / "docs" / "evidence" / "outcomes.md"
ID: Final = "26b9045a-e947-5833-ab3e-161507389763"

RESULT, EMPTY, NONE, REFUSED = "a result", "empty", "`None`", "`InvalidArgument`"
ERRORS: Final = (
    AuthenticationRejected,
    EndpointMissing,
    BackendRejected,
    BackendUnavailable,
    BackendTimeout,
    ContractViolation,
)
OUTCOMES: Final = (RESULT, EMPTY, NONE, REFUSED, *(f"`{error.__name__}`" for error in ERRORS))

IMPOSSIBLE: Final[Mapping[tuple[str, str], str]] = {
    ("get_batch_status", EMPTY): "one batch, or none",
    ("get_batch_student_names", NONE): "an unknown batch has an empty list",
    ("get_batches_for_user", NONE): "an unknown teacher has an empty page",
    ("iter_batches_for_user", NONE): "an unknown teacher has an empty page",
    ("ping", EMPTY): "it gives nothing but its end",
    ("ping", NONE): "it gives nothing but its end",
}
"""What cannot come of a method, and why."""


async def _hang(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


def _too_large(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "application/json", "Content-Length": "9" * 12}, text="[]")


FAILURES: Final[Mapping[str, Answer]] = {
    f"`{AuthenticationRejected.__name__}`": lambda _: httpx.Response(401),
    f"`{EndpointMissing.__name__}`": lambda _: httpx.Response(404, html="<h1>Not Found</h1>"),
    f"`{BackendRejected.__name__}`": lambda _: httpx.Response(400, html="<h1>Bad Request</h1>"),
    f"`{BackendUnavailable.__name__}`": lambda _: httpx.Response(503),
    f"`{BackendTimeout.__name__}`": _hang,
    f"`{ContractViolation.__name__}`": _too_large,
}
"""The behaviour of a backend that causes each error, for any request."""


@dataclass(frozen=True)
class Case:
    """A call that ends in an outcome which no interaction can bring about.

    Attributes:
        operation: The method.
        outcome: What comes of it.
        arguments: What it is called with.
        answer: What the backend does.
    """

    operation: Operation
    outcome: str
    arguments: Arguments
    answer: Answer

    def __str__(self) -> str:
        return f"{self.operation.provider}-{self.operation.name}-{self.outcome.strip('`')}"


def cases() -> Iterator[Case]:
    """Every method with every error, and with an empty request."""
    for operation in OPERATIONS:
        arguments = next((found for _, found in exchanges(operation)), None)
        assert arguments is not None, f"no interaction is about {operation.name}"
        for outcome, answer in FAILURES.items():
            yield Case(operation, outcome, arguments, answer)
        yield Case(operation, REFUSED, {**arguments, "correlation_id": "not a UUID"}, _too_large)
        if "batch_ids" in arguments:
            yield Case(operation, EMPTY, {"batch_ids": []}, _too_large)


def exchanges(operation: Operation) -> Iterator[tuple[Interaction, Arguments]]:
    """The interactions whose request a method sends, with its arguments for that; the shape first."""
    pact = next(pact for pact in shipped_pacts() if pact.provider == operation.provider)
    for interaction in sorted(pact.interactions, key=lambda one: one.role is None):
        arguments = operation.arguments_for(_target(interaction.request))
        if arguments is not None:
            yield interaction, arguments


def outcomes_of(operation: Operation, arguments: Arguments, answer: Answer) -> set[str]:
    """The outcome of a call."""
    patient = SETTINGS.model_copy(update={"http_client_timeout_seconds": 0.05}) if answer is _hang else SETTINGS
    try:
        result = operation.result(arguments, answer, patient)
    except BackendError as error:
        return {f"`{type(error).__name__}`"}
    except InvalidArgument:
        return {REFUSED}
    return set(_kinds(operation, result))


def _kinds(operation: Operation, result: Any) -> Iterator[str]:
    if isinstance(result, dict):
        values: list[Any] = list(result.values())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        kinds = {NONE if value is None else RESULT for value in values}
        yield from kinds or {EMPTY}
    elif result is None:
        yield RESULT if operation.name == "ping" else NONE
    else:
        rows = result.batches if isinstance(result, BatchPage) else result
        yield EMPTY if isinstance(rows, tuple | list) and not rows else RESULT


def pinned() -> Mapping[tuple[Operation, str], list[str]]:
    """What pins each outcome of each method: interactions by their description, or the test of that case."""
    found: dict[tuple[Operation, str], list[str]] = {}
    for operation in OPERATIONS:
        for interaction, arguments in exchanges(operation):
            for outcome in outcomes_of(operation, arguments, _example(interaction)):
                found.setdefault((operation, outcome), []).append(interaction.description)
    for case in cases():
        found.setdefault((case.operation, case.outcome), [f"`test_a_call_ends_as_it_should[{case}]`"])
    return found


def _example(interaction: Interaction) -> Answer:
    response = interaction.response
    headers = {name: value for name, (value,) in response.headers.items()}
    body = json.dumps(response.body).encode() if response.has_body else b""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.raw_path.decode() == _target(interaction.request)
        return httpx.Response(response.status, headers=headers, content=body)

    return answer


def _target(request: Request) -> str:
    query = "&".join(f"{name}={quote(value, safe=',')}" for name, (value,) in request.query.items())
    return f"{request.path}?{query}" if query else request.path


def holes() -> list[tuple[str, str, str]]:
    """Provider, method and outcome of each possible outcome without an interaction or test."""
    known = pinned()
    return [
        (operation.provider, operation.name, outcome)
        for operation in OPERATIONS
        for outcome in OUTCOMES
        if (operation.name, outcome) not in IMPOSSIBLE and (operation, outcome) not in known
    ]


_INTRODUCTION: Final = """\
# The outcomes of each client method, and what tests them

`pdm run contracts` writes this page. Each outcome of each client method is tested by interactions of the contract,
named by their descriptions, or by a test in `tests/agreement/test_outcomes.py`. An outcome without a test fails the
build.
"""


def page() -> str:
    """The table, as Markdown."""
    found = pinned()
    lines = [_INTRODUCTION]
    for operation in OPERATIONS:
        lines += [
            f"## `{operation.name}` ({operation.provider})",
            "",
            f"`{operation.signature}`",
            "",
            operation.summary,
        ]
        lines += ["", "| outcome | tested by |", "|---|---|"]
        for outcome in OUTCOMES:
            why = IMPOSSIBLE.get((operation.name, outcome))
            by = f"impossible: {why}" if why else "; ".join(_gathered(found.get((operation, outcome), [])))
            lines.append(f"| {outcome} | {by} |")
        lines.append("")
    return "\n".join(lines)


def _gathered(descriptions: list[str]) -> Iterator[str]:
    """Descriptions that differ in their last word, joined."""
    for begin, same in groupby(descriptions, key=lambda text: text.rpartition(" ")[0]):
        many = list(same)
        yield many[0] if len(many) == 1 else f"{begin} … ({len(many)})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

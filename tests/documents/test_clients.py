"""The pages about the clients: the programs work, the tables say what the code does."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import bff_clients
from bff_clients import (
    AuthenticationRejected,
    BackendError,
    BackendRejected,
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    CMSClient,
    ContractViolation,
    EndpointMissing,
    InvalidArgument,
    create_http_client,
)
from bff_contracts.states import USER_HAS_BATCHES
from bff_mock_server import Backends, a_batch
from examples.bff.errors import envelope_of
from tests.documents.blocks import DOCS, runs, runs_each

LIFESPAN = "from collections.abc import AsyncGenerator\nfrom contextlib import asynccontextmanager\n"
SAID: dict[str, Any] = {"service": "s", "operation": "o", "correlation_id": "c"}


def app_of(program: str) -> FastAPI:
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102  a program of our own pages
    app: FastAPI = names["app"]
    return app


@pytest.mark.anyio
@runs_each("docs/clients.md", f"{LIFESPAN}\nfrom bff_clients", f"{LIFESPAN}from typing import Annotated")
async def test_a_service_gets_its_clients_with_dishka_and_without(
    blocks: list[str], backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", backends.api_key)
    batch = a_batch(1)
    backends.given(USER_HAS_BATCHES, user_id="anna", batches=[batch])
    app = app_of(blocks[0])
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bff.test") as http,
    ):
        found = await http.get("/bff/v1/teachers/anna/batches")

    assert found.json() == {batch["batch_id"]: "completed_successfully"}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(BackendUnavailable("d", reason="status", **SAID), id="BackendUnavailable"),
        pytest.param(BackendUnavailable("d", reason="connect", **SAID), id="BackendUnavailable-connect"),
        pytest.param(BackendUnavailable("d", reason="breaker_open", **SAID), id="BackendUnavailable-breaker"),
        pytest.param(BackendTimeout("d", reason="timeout", **SAID), id="BackendTimeout"),
        pytest.param(BackendRejected("d", **SAID), id="BackendRejected"),
        pytest.param(EndpointMissing("d", **SAID), id="EndpointMissing"),
        pytest.param(AuthenticationRejected("d", **SAID), id="AuthenticationRejected"),
        pytest.param(ContractViolation("d", **SAID), id="ContractViolation"),
        pytest.param(InvalidArgument("limit", "must be 1"), id="InvalidArgument"),
    ],
)
def test_the_page_has_status_and_code_of_each_error(error: BackendError | InvalidArgument) -> None:
    status, code = envelope_of(error)
    name = f"`{type(error).__name__}`"
    reason = getattr(error, "reason", "")
    said = f'`reason="{reason}"`' if reason in {"connect", "breaker_open"} else None
    rows = [
        line.split("|")
        for line in (DOCS / "clients.md").read_text(encoding="utf-8").partition("## Errors")[2].splitlines()
        if line.startswith("| `")
        and name in line.split("|")[1]
        and (said in line.split("|")[1] if said else "reason" not in line.split("|")[1])
    ]

    assert [(row[3].strip(), row[4].strip()) for row in rows] == [(str(status), f"`{code}`")]


@runs("docs/clients.md", "ValueError")
def test_the_page_draws_the_tree_of_errors(blocks: list[str]) -> None:
    """Each name is below its base, and children come before their parents in the table."""
    bases: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in blocks[0].splitlines():
        found = re.match(r"([ │]*)(?:[├└]─ )?(\w+)", line)
        assert found
        depth = len(found[1])
        above = {**{at: name for at, name in above.items() if at < depth}, depth: found[2]}
        bases[found[2]] = above[max(at for at in above if at < depth)] if depth else ""
    kinds = {name: getattr(bff_clients, name) for name in bases if hasattr(bff_clients, name)}

    assert {name: kind.__base__.__name__ for name, kind in kinds.items()} == {name: bases[name] for name in kinds}
    assert {name for name in bff_clients.__all__ if _is_error(getattr(bff_clients, name))} == set(kinds)


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


@runs("docs/clients.md", "from bff_clients.di import BackendClientsProvider, Plain")
def test_the_plain_clients_come_out_of_a_container(blocks: list[str]) -> None:
    names: dict[str, Any] = {}
    exec(blocks[0], names)  # noqa: S102  a program of our own pages

    assert {"container", "PlainRASClientProtocol"} <= names.keys()


@pytest.mark.anyio
@runs("docs/clients.md", "from bff_clients import CMSClientProtocol, EndpointMissing")
async def test_a_page_can_do_without_an_endpoint(blocks: list[str], backends: Backends) -> None:
    names: dict[str, Any] = {}
    exec(blocks[0], names)  # noqa: S102  a program of our own pages
    batch = a_batch(1)["batch_id"]
    backends.given("batches have exactly these validations", validations={batch: None})
    settings = BackendSettings(internal_api_key=backends.api_key)
    async with create_http_client(settings) as http:
        backends.fail("cms", "html=404")

        assert await names["validation_of"](CMSClient(http, settings), batch) is None


@pytest.mark.anyio
@runs("docs/clients.md", "from bff_clients import CMSClientProtocol, PersonName")
async def test_the_students_of_a_batch_are_found_by_their_essays(blocks: list[str], backends: Backends) -> None:
    names: dict[str, Any] = {}
    exec(blocks[0], names)  # noqa: S102  a program of our own pages
    batch = a_batch(1)
    first, second = (essay["essay_id"] for essay in batch["essays"][:2])
    stored = [
        {"essay_id": essay_id, "student_id": essay_id, "student_person_name": {**name, "last_name": "Ek"}}
        for essay_id, name in (
            (first, {"first_name": "Bo", "legal_full_name": None}),
            (second, {"first_name": "Åsa", "legal_full_name": "Åsa Maria Ek"}),
        )
    ]
    backends.given("batches have exactly these student names", student_names={batch["batch_id"]: stored})
    settings = BackendSettings(internal_api_key=backends.api_key)
    async with create_http_client(settings) as http:
        found = await names["students_of"](CMSClient(http, settings), batch["batch_id"])

    assert found == {first: "Bo Ek", second: "Åsa Maria Ek"}


@runs("docs/clients.md", "from bff_clients.testing")
def test_models_are_made_in_a_line_each(blocks: list[str]) -> None:
    names: dict[str, Any] = {}
    exec(blocks[0], names)  # noqa: S102  a program of our own pages

    assert (names["page"].pagination.total, names["info"].class_name) == (7, "Svenska 9A")


def test_the_page_has_the_default_of_each_setting() -> None:
    fields = BackendSettings.model_fields
    rows = {
        cells[1].partition("`, or")[0].strip(" `"): cells[3].strip().partition("`")[2].partition("`")[0]
        for line in (DOCS / "clients.md").read_text(encoding="utf-8").partition("## Settings")[2].splitlines()
        if line.startswith("| `BFF_")
        for cells in [line.split("|")]
    }

    defaults = {name.lower().removeprefix("bff_teacher_service_"): text for name, text in rows.items()}
    assert defaults == {name: str(fields[name].default) for name in defaults}

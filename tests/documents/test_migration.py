"""The page about the migration: the small BFF works before and after it, and the page shows the difference."""

import difflib
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from bff_mock_server import Backends, a_batch
from tests.documents.blocks import block, runs

FOLDER = Path(__file__).parents[2] / "examples" / "migration"
TEACHER = "7c1e0a52-3f4b-4f0e-9a51-0d6a1b2c3d01"
CORRELATION = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00"
DASHBOARD = "/bff/v1/teacher/dashboard"
CLASS = {"class_id": "d1ff7f61-e9db-5c67-9cc7-657c06dcda5a", "class_name": "Svenska 9A"}

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["before", "after"])
async def bff(
    request: pytest.FixtureRequest, backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("HULEEDU_INTERNAL_API_KEY", backends.api_key)
    for short, url in (("RAS", backends.ras_url), ("CMS", backends.cms_url)):
        monkeypatch.setenv(f"BFF_TEACHER_SERVICE_{short}_URL", url)
    app = import_module(f"examples.migration.{request.param}.app").create_app()
    transport = httpx.ASGITransport(app)
    headers = {"X-User-ID": TEACHER, "X-Correlation-ID": CORRELATION}
    async with httpx.AsyncClient(transport=transport, base_url="http://bff", headers=headers) as http:
        yield http


async def test_batches_have_their_classes_before_and_after(backends: Backends, bff: httpx.AsyncClient) -> None:
    rows = [a_batch(1), a_batch(2, status="processing_pipelines")]
    first, second = (row["batch_id"] for row in rows)
    backends.given("user has exactly these batches", user_id=TEACHER, batches=rows)
    backends.given("batches have exactly these classes", classes={first: CLASS, second: None})

    answer = await bff.get(DASHBOARD, params={"limit": 2})
    document = answer.json()

    assert [(row["batch_id"], row["status"], row["class_name"]) for row in document["batches"]] == [
        (first, "completed_successfully", "Svenska 9A"),
        (second, "processing", None),
    ]
    assert document["total_count"] == 2
    assert answer.headers["X-Correlation-ID"] == CORRELATION
    assert {exchange.correlation_id for exchange in backends.requests} == {CORRELATION}


async def test_a_failure_is_in_the_envelope_before_and_after(backends: Backends, bff: httpx.AsyncClient) -> None:
    backends.fail("ras", "status=500")

    answer = await bff.get(DASHBOARD)

    assert answer.status_code in {502, 503}
    assert answer.json()["error"]["correlation_id"] == CORRELATION
    assert answer.json()["error"]["details"] == {"status_code": 500}


@pytest.mark.parametrize("bff", ["after"], indirect=True)
async def test_an_argument_that_no_backend_takes_is_a_422(backends: Backends, bff: httpx.AsyncClient) -> None:
    answers = [
        await bff.get(DASHBOARD, params={"offset": 10**18}),
        await bff.get(DASHBOARD, headers={"X-User-ID": "a/b"}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert [answer.json()["error"]["code"] for answer in answers] == ["VALIDATION_ERROR"] * 2
    assert not backends.requests


@pytest.mark.parametrize("bff", ["after"], indirect=True)
async def test_a_client_word_is_a_filter(backends: Backends, bff: httpx.AsyncClient) -> None:
    rows = [a_batch(1), a_batch(2, status="processing_pipelines")]
    backends.given("user has exactly these batches", user_id=TEACHER, batches=rows)
    backends.given("batches have exactly these classes", classes={rows[1]["batch_id"]: None})
    answer = await bff.get(DASHBOARD, params={"status": "processing"})

    assert [row["batch_id"] for row in answer.json()["batches"]] == [rows[1]["batch_id"]]


@runs("docs/migration.md", "pip install")
def test_the_page_installs_as_the_page_on_the_clients_does(blocks: list[str]) -> None:
    assert blocks[0] == block("docs/clients.md", "pip install './huleedu_bff_clients").text


@runs("docs/migration.md", "--- before/app.py", "--- before/test_app.py")
def test_the_page_shows_the_differences(blocks: list[str]) -> None:
    for name, shown in zip(("app.py", "test_app.py"), blocks, strict=True):
        before, after = (
            (FOLDER / folder / name).read_text(encoding="utf-8").splitlines() for folder in ("before", "after")
        )
        diff = difflib.unified_diff(before, after, f"before/{name}", f"after/{name}", n=1, lineterm="")

        assert shown.rstrip("\n").splitlines() == list(diff)

"""The page about the migration: the small BFF works before and after it, and the page shows the difference."""

import difflib
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from bff_mock_server import Backends, a_batch
from tests.documents.blocks import runs

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


@runs("docs/migration.md", "--- before/app.py")
def test_the_page_shows_the_difference(blocks: list[str]) -> None:
    before, after = (
        (FOLDER / name / "app.py").read_text(encoding="utf-8").splitlines() for name in ("before", "after")
    )
    diff = difflib.unified_diff(before, after, "before/app.py", "after/app.py", n=1, lineterm="")

    assert blocks[0].rstrip("\n").splitlines() == list(diff)


@runs("docs/migration.md", "import httpx")
async def test_tests_with_respx_go_on_working(blocks: list[str]) -> None:
    names: dict[str, Any] = {}
    exec(blocks[0], names)  # noqa: S102  a program of our own pages

    await names["test_an_empty_page"]()

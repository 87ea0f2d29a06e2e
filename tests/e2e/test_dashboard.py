"""The main job: the BFF's dashboard over real sockets, with the mock behind it, and with backends that fail."""

import re
import shlex
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from bff_clients import BackendSettings, BatchClientStatus
from examples.bff.app import create_app
from tests.support.misbehaving import Behaviour, drips, hangs, head, misbehaving_server, says
from tests.support.mock_process import RunningMock, running_mock

pytestmark = pytest.mark.anyio
CORRELATION = "0b5c1b0e-6f0a-4c0e-8c53-5b3f6f6d2b11"
PLACEHOLDER = SecretStr("INJECTED-AT-VERIFICATION")


@pytest.fixture(scope="module")
def mock() -> Generator[RunningMock]:
    with running_mock() as running:
        yield running


@pytest.fixture
def busy_teacher(mock: RunningMock) -> str:
    found = re.search(r"/batches/user/([0-9a-f-]{36})\?limit=20&offset=0'", mock.banner)
    assert found
    return found.group(1)


@asynccontextmanager
async def bff(*, ras: str, cms: str, seconds: float = 10) -> AsyncGenerator[httpx.AsyncClient]:
    settings = BackendSettings(
        internal_api_key=PLACEHOLDER, ras_base_url=ras, cms_base_url=cms, http_client_timeout_seconds=seconds
    )
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bff.test") as client,
    ):
        yield client


async def get_page(client: httpx.AsyncClient, teacher: str, *, limit: int = 20, offset: int = 0) -> httpx.Response:
    return await client.get(
        "/bff/v1/teacher/dashboard",
        params={"limit": limit, "offset": offset},
        headers={"X-User-ID": teacher, "X-Correlation-ID": CORRELATION},
    )


async def test_all_250_batches_of_the_busy_teacher_with_their_classes(mock: RunningMock, busy_teacher: str) -> None:
    rows: list[dict[str, Any]] = []
    async with bff(ras=mock.ras, cms=mock.cms) as client:
        while not rows or len(rows) < 250:
            page = (await get_page(client, busy_teacher, limit=40, offset=len(rows))).json()
            assert page["total"] == 250
            rows += page["batches"]

    assert len({UUID(row["batch_id"]) for row in rows}) == len(rows) == 250
    assert {row["status"] for row in rows} == {status.value for status in BatchClientStatus}
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert {bool(row["class_name"]) for row in rows} == {True, False}


async def test_an_unknown_teacher_has_an_empty_dashboard(mock: RunningMock) -> None:
    async with bff(ras=mock.ras, cms=mock.cms) as client:
        page = await get_page(client, str(UUID(int=0)))

    assert page.json() == {"batches": [], "limit": 20, "offset": 0, "total": 0}


@pytest.mark.parametrize(
    ("behave", "status", "code"),
    [
        pytest.param(says(head("503 Busy", Content_Length="0")), 503, "SERVICE_UNAVAILABLE", id="busy"),
        pytest.param(hangs, 504, "TIMEOUT", id="hangs"),
        pytest.param(drips, 504, "TIMEOUT", id="drips"),
        pytest.param(says(head(Content_Length="2") + b"{}"), 502, "INVALID_RESPONSE", id="breaks-the-contract"),
        pytest.param(says(head("401 No", Content_Length="0")), 502, "EXTERNAL_SERVICE_ERROR", id="refuses-our-key"),
    ],
)
async def test_a_failing_cms_is_the_platforms_envelope(
    mock: RunningMock, busy_teacher: str, behave: Behaviour, status: int, code: str
) -> None:
    async with (
        misbehaving_server(behave) as port,
        bff(ras=mock.ras, cms=f"http://127.0.0.1:{port}", seconds=1) as client,
    ):
        answer = await get_page(client, busy_teacher)

    assert_envelope(answer, status, code)


async def test_a_dead_cms_is_the_platforms_envelope(mock: RunningMock, busy_teacher: str) -> None:
    async with misbehaving_server(hangs) as port:
        pass
    async with bff(ras=mock.ras, cms=f"http://127.0.0.1:{port}") as client:
        answer = await get_page(client, busy_teacher)

    assert_envelope(answer, 503, "CONNECTION_ERROR")


def test_the_printed_curl_line_works_when_pasted(mock: RunningMock, busy_teacher: str) -> None:
    line = mock.banner.splitlines()[-1].strip()
    assert shlex.split(line)[0] == "curl"
    answer = subprocess.run(["sh", "-c", f"{line} --silent --fail"], capture_output=True, text=True, check=True)  # noqa: S603, S607

    assert answer.stdout.count(f'"user_id":"{busy_teacher}"') == 20


def assert_envelope(answer: httpx.Response, status: int, code: str) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["correlation_id"] == CORRELATION
    assert set(error) == {"code", "message", "correlation_id", "service", "timestamp", "details"}
    assert "Traceback" not in answer.text
    assert PLACEHOLDER.get_secret_value() not in answer.text

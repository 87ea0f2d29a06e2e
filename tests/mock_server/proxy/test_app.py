"""In front of real providers: requests are passed on, and each seeded mistake is found."""

import asyncio
import gzip
import json
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bff_contracts.platform import CMS, RAS
from bff_mock_server import Mock
from bff_mock_server.proxy.app import ProxyApp
from bff_mock_server.proxy.real_service import ProxyError
from bff_mock_server.serving.server import bind
from tests.mock_server.building import app_of, interaction, pact, ras_app, request
from tests.mock_server.proxy.proxying import (
    CLASSES,
    HEADERS,
    IDS,
    NAMES_OF_BATCH,
    STATUS,
    UNKNOWN,
    ask,
    proxying,
    served,
)
from tests.support.golden import Golden
from tests.support.platform import BATCH, TEACHER
from tests.support.quart_providers import KEY, NAMES, PAGE, PERSONS, Mistake, Providers, first


@pytest.fixture
def providers() -> Providers:
    return Providers()


@pytest.fixture
def mock(providers: Providers) -> Generator[Mock]:
    with served(providers) as (ras, cms), proxying(ras=ras, cms=cms) as mock:
        yield mock


@pytest.mark.parametrize(
    ("provider", "target", "status"),
    [
        pytest.param(RAS, PAGE, 200, id="page"),
        pytest.param(RAS, PAGE.replace(TEACHER, "nobody"), 200, id="empty-page"),
        pytest.param(RAS, STATUS, 200, id="batch"),
        pytest.param(RAS, UNKNOWN, 404, id="unknown-batch"),
        pytest.param(CMS, CLASSES, 200, id="classes"),
        pytest.param(CMS, NAMES_OF_BATCH, 200, id="names"),
        pytest.param(CMS, "/healthz", 200, id="health"),
    ],
)
def test_an_answer_that_keeps_the_contract_is_passed_on_unchanged(
    mock: Mock, providers: Providers, provider: str, target: str, status: int
) -> None:
    answer = ask(mock, provider, target)

    (exchange,) = mock.journal.exchanges()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert (exchange.status, exchange.violations, exchange.differences) == (status, (), ())
    assert exchange.interaction is not None
    if target != "/healthz":
        assert providers.asked[-1]["x-correlation-id"] == HEADERS["X-Correlation-ID"]
        assert providers.asked[-1]["x-internal-api-key"] == KEY


def renamed(page: Any) -> None:
    page["batches"][0]["batchId"] = page["batches"][0].pop("batch_id")


def other_keys(classes: Any) -> None:
    for batch_id in list(classes):
        classes[batch_id.upper()] = classes.pop(batch_id)


@pytest.mark.parametrize(
    ("provider", "target", "mistake", "where"),
    [
        pytest.param(RAS, PAGE, Mistake(body=first("overall_status", "processing_pipelines")), "overall_status",
                     id="internal-status"),
        pytest.param(RAS, PAGE, Mistake(body=first("overall_status", "done")), "overall_status", id="vocabulary"),
        pytest.param(RAS, PAGE, Mistake(body=first("essay_count", "3")), "essay_count", id="number-as-text"),
        pytest.param(RAS, PAGE, Mistake(body=first("created_at", None)), "created_at", id="null-where-forbidden"),
        pytest.param(RAS, PAGE, Mistake(body=first("created_at", "2026-01-31 08:15:30")), "created_at", id="date-form"),
        pytest.param(RAS, PAGE, Mistake(body=first("created_at", "2026-02-30T08:15:30")), "created_at", id="no-day"),
        pytest.param(RAS, PAGE, Mistake(body=first("batch_id", BATCH.upper())), "batch_id", id="spelling-of-an-id"),
        pytest.param(RAS, PAGE, Mistake(body=first("user_id", "somebody-else")), "user_id", id="another-users-row"),
        pytest.param(RAS, PAGE, Mistake(body=first("current_phase", 5)), "current_phase", id="phase"),
        pytest.param(RAS, PAGE, Mistake(body=renamed), "$.batches[0]", id="renamed"),
        pytest.param(RAS, PAGE, Mistake(body=lambda page: page.pop("pagination")), "$", id="missing"),
        pytest.param(RAS, PAGE, Mistake(body=lambda page: page["pagination"].update(total=None)), "total", id="null"),
        pytest.param(RAS, PAGE, Mistake(status=500), "", id="always-500"),
        pytest.param(RAS, PAGE, Mistake(status=403), "", id="403-for-401"),
        pytest.param(RAS, PAGE, Mistake(status=204, text=""), "", id="no-content"),
        pytest.param(RAS, PAGE, Mistake(content_type="text/html", text="<p>Oops</p>"), "", id="html"),
        pytest.param(RAS, PAGE, Mistake(content_type="text/plain"), "", id="content-type"),
        pytest.param(RAS, PAGE, Mistake(text='{"batches": ['), "$", id="broken-json"),
        pytest.param(RAS, UNKNOWN, Mistake(body=lambda error: error.update(error="Not found")), "error", id="text"),
        pytest.param(RAS, STATUS, Mistake(body=lambda batch: batch.update(batch_id=BATCH[::-1])), "batch_id",
                     id="another-batch"),
        pytest.param(CMS, CLASSES, Mistake(body=lambda classes: classes.popitem()), "$", id="missing-id"),
        pytest.param(CMS, CLASSES, Mistake(body=lambda classes: classes.update(extra=None)), "$", id="id-too-many"),
        pytest.param(CMS, CLASSES, Mistake(body=other_keys), "$", id="spelling-of-keys"),
        pytest.param(CMS, CLASSES, Mistake(body=lambda classes: next(iter(classes.values())).pop("class_name")),
                     IDS.partition(",")[0], id="class-without-a-name"),
    ],
)  # fmt: skip
def test_each_planted_mistake_is_found(
    mock: Mock, providers: Providers, provider: str, target: str, mistake: Mistake, where: str
) -> None:
    providers.mistake = mistake

    answer = ask(mock, provider, target)

    (exchange,) = mock.journal.exchanges()
    assert exchange.violations
    assert where in exchange.violations[0].path + exchange.violations[0].message
    assert answer.status_code == (mistake.status or (404 if target == UNKNOWN else 200))  # it passes all the same


def test_of_a_request_that_the_contract_does_not_allow_it_judges_nothing(mock: Mock) -> None:
    answer = ask(mock, RAS, PAGE.replace("limit=20", "limit=500"))

    (exchange,) = mock.journal.exchanges()
    assert (answer.status_code, exchange.violations) == (200, ())
    assert [one.where for one in exchange.differences] == ["query limit"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("[" * 100_000, "cannot be judged", id="nested-without-end"),
        pytest.param('{"batches": [{"batch_id": "\\ud800", "user_id": "\\ud800"}]}', "", id="half-a-character"),
        pytest.param('{"batches": [{"batch_id": [], "essays": 5}], "pagination": 1}', "", id="other-types"),
    ],
)
def test_every_malformed_answer_reaches_the_client_and_is_a_violation(
    providers: Providers, tmp_path: Path, text: str, says: str
) -> None:
    providers.mistake = Mistake(text=text)
    with served(providers) as (ras, _), proxying(ras=ras, record=tmp_path / "r.yaml") as mock:
        answer = ask(mock, RAS, PAGE)

    assert (answer.status_code, answer.text) == (200, text)
    assert says in str(mock.journal.exchanges()[0].violations[0])


async def _raw(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        pytest.param(b"GET /internal/v1/batches/user/..?limit=20&offset=0", b"", id="dots"),
        pytest.param(b'GET /a"b?c=%20&d=', b"", id="odd-characters"),
        pytest.param(b"OPTIONS *", b"", id="asterisk"),
        pytest.param(b"GET /healthz", b"X-Name: \xe5\r\n", id="latin-1"),
    ],
)
def test_requests_are_passed_on_as_they_were_sent(line: bytes, headers: bytes) -> None:
    got = asyncio.run(_passed_on(line, headers))

    assert got.startswith(line + b" HTTP/1.1\r\n")
    assert headers.lower() in got.lower()


async def _passed_on(line: bytes, headers: bytes) -> bytes:
    """The head that a real service gets of a request."""
    got: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with proxying(ras=url) as mock:
            port = int(mock.urls[RAS].rpartition(":")[2])
            await _raw(port, line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n")
    return got[0]


def test_a_repeated_header_is_passed_on_line_by_line() -> None:
    sent = b"X-Name: a\r\nX-Name: b, c\r\n"
    got = asyncio.run(_passed_on(b"GET /healthz", sent))

    assert [line for line in got.splitlines() if line.lower().startswith(b"x-name")] == [b"x-name: a", b"x-name: b, c"]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        pytest.param("X-Version: 1\r\nX-Token: t", [], id="as-agreed"),
        pytest.param("X-Version: 2\r\nX-Token: t", [("header", "x-version")], id="another-value"),
        pytest.param("X-Token: t", [("header", "x-version")], id="missing"),
        pytest.param("X-Version: 1\r\nX-Token: hidden-value", [("header", "x-token")], id="secret"),
    ],
)
def test_the_headers_of_an_answer_are_judged(
    headers: str, found: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    made = interaction("thing")
    made["response"]["headers"] = {"X-Version": ["1"], "X-Token": ["t"]}
    mock = app_of(pact(made)).mock

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{headers}\r\n\r\n".encode())
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(answering, "127.0.0.1", 0) as server:
            app = ProxyApp(mock, mock.backends[0], f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await app.answer(request("/things"))
            await app.close()

    asyncio.run(main())
    (exchange,) = mock.journal.exchanges()
    assert [(one.where, one.path) for one in exchange.violations] == found
    assert "hidden-value" not in repr(exchange) + caplog.text


def test_a_wrong_content_type_is_one_violation(mock: Mock, providers: Providers) -> None:
    providers.mistake = Mistake(content_type="text/plain")
    ask(mock, RAS, PAGE)

    assert [one.where for one in mock.journal.exchanges()[0].violations] == ["content type"]


def test_a_compressed_answer_is_judged_by_what_is_in_it(providers: Providers) -> None:
    @providers.ras.after_request
    async def compress(response: Any) -> Any:
        response.set_data(gzip.compress(await response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
        return response

    with served(providers) as (ras, _), proxying(ras=ras) as mock:
        good = ask(mock, RAS, PAGE)
        providers.mistake = Mistake(body=first("essay_count", "3"))
        ask(mock, RAS, PAGE)

    assert good.json()["pagination"]["limit"] == 20
    assert [len(one.violations) > 0 for one in mock.journal.exchanges()] == [False, True]


def test_refusals_of_the_real_service_are_recognised_and_no_key_is_kept(mock: Mock) -> None:
    answer = ask(mock, RAS, PAGE, X_Internal_API_Key="a-wrong-key-swordfish")

    (exchange,) = mock.journal.exchanges()
    assert (answer.status_code, exchange.violations) == (401, ())
    assert exchange.interaction is not None
    assert exchange.interaction.startswith("refused: batches of a user")
    assert "swordfish" not in repr(exchange)
    assert exchange.response is None, "rows of a real service are personal"


def _in_no_object(names: Any) -> None:
    names[0]["student_person_name"] = names[0]["student_person_name"]["legal_full_name"]


def _elsewhere(names: Any) -> None:
    names[0]["student_id"] = names[0]["student_person_name"]["first_name"]


@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(Mistake(), id="none"),
        pytest.param(Mistake(body=_in_no_object), id="text-for-object"),
        pytest.param(Mistake(body=lambda names: names[0]["student_person_name"].pop("last_name")), id="half-a-name"),
        pytest.param(Mistake(body=_elsewhere), id="name-for-id"),
        pytest.param(Mistake(body=lambda names: names.append([names[0]])), id="list-for-row"),
        pytest.param(Mistake(text=json.dumps({"names": NAMES})), id="object-for-list"),
        pytest.param(Mistake(text=json.dumps(NAMES)[:-40]), id="broken-off"),
        pytest.param(Mistake(text=json.dumps(NAMES), content_type="text/html"), id="no-json"),
        pytest.param(Mistake(status=500), id="error"),
    ],
)
def test_names_that_a_real_service_answers_are_shown_nowhere(
    providers: Providers, mistake: Mistake, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    providers.mistake = mistake
    with served(providers) as (_, cms), proxying(cms=cms, record=tmp_path / "recorded.yaml") as mock:
        answer = ask(mock, CMS, NAMES_OF_BATCH)

    shown = repr(mock.journal.exchanges()) + caplog.text
    shown += "".join(file.read_text(encoding="utf-8") for file in tmp_path.iterdir())
    assert "Ingeborg" in answer.text
    assert [name for name in PERSONS if name in shown] == []


def test_faults_strike_real_answers_too(mock: Mock) -> None:
    assert ask(mock, RAS, PAGE, X_Mock_Fault="status=503").status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        ask(mock, RAS, PAGE, X_Mock_Fault="truncate")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X_Mock_State": "batch does not exist"}, id="state"),
        pytest.param({"X_Mock_Fault": "explode"}, id="fault"),
        pytest.param({"X_Mock_Session": "a b"}, id="session"),
    ],
)
def test_directives_that_a_real_service_cannot_follow_are_rejected(
    mock: Mock, headers: dict[str, str], golden: Golden
) -> None:
    answer = ask(mock, RAS, PAGE, **headers)

    assert answer.status_code == 400
    golden.check(answer.json()["detail"])


def test_directives_stay_with_the_mock(mock: Mock, providers: Providers) -> None:
    ask(mock, RAS, PAGE, X_Mock_Session="a", X_Mock_Fault="latency=1ms")

    assert [name for name in providers.asked[0] if name.startswith("x-mock")] == []


def test_provider_states_are_passed_on(mock: Mock, providers: Providers) -> None:
    call: dict[str, Any] = {"state": "x", "params": {}, "action": "setup"}

    good = httpx.post(f"{mock.urls[RAS]}/_pact/provider_states", json=call)
    foreign = httpx.post(
        f"{mock.urls[RAS]}/_pact/provider_states", json=call, headers={"Origin": "https://evil.example"}
    )

    assert [good.status_code, foreign.status_code, providers.states] == [200, 403, [call]]
    assert mock.journal.count == 0


def test_a_service_that_is_down_is_a_502_with_its_reason() -> None:
    with bind("127.0.0.1", 0) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with proxying(ras=url) as mock:
        page = ask(mock, RAS, PAGE)
        state = httpx.post(f"{mock.urls[RAS]}/_pact/provider_states", json={})

        assert [page.status_code, state.status_code] == [502, 502]
        assert page.json()["detail"].startswith(f"{url} cannot be reached: ")
        assert mock.journal.exchanges()[0].reason == page.json()["detail"]


def test_mock_cms_gives_classes_to_what_real_ras_lists_the_same_each_time(providers: Providers) -> None:
    runs: list[dict[str, dict[str, str] | None]] = []
    unlisted = "00000000-0000-4000-8000-000000000000"
    for _ in range(2):
        with served(providers) as (ras, _), proxying(ras=ras) as mock:
            batches = [row["batch_id"] for row in ask(mock, RAS, PAGE).json()["batches"]]
            target = f"/internal/v1/batches/class-info?batch_ids={','.join([*batches, unlisted])}"
            runs.append(ask(mock, CMS, target, X_Internal_API_Key="INJECTED-AT-VERIFICATION").json())

    first_run = runs[0]
    assert first_run == runs[1]
    assert first_run.pop(unlisted) is None
    assert len({found["class_name"] for found in first_run.values() if found is not None}) > 1
    assert None not in first_run.values()


@pytest.mark.parametrize(
    "url", ["ftp://x", "127.0.0.1:4003", "http://", "http://u:p@x", "http://x?y", "http://x:99999", "http://x/#f"]
)
def test_an_invalid_address_is_rejected(url: str, golden: Golden) -> None:
    app = ras_app()

    with pytest.raises(ProxyError) as refused:
        ProxyApp(app.mock, app.backends[0], url)

    golden.check(str(refused.value))

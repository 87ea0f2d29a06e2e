"""The pytest plugin: the contracts served in place, to any httpx client, and what a test can say and ask."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
import respx
from pydantic import SecretStr

from bff_clients import (
    BackendSettings,
    BackendTimeout,
    BackendUnavailable,
    BatchStatus,
    CMSClient,
    ContractViolation,
    RASClient,
    create_http_client,
)
from bff_contracts.platform import CMS
from bff_contracts.states import BATCHES_HAVE_CLASSES, USER_HAS_BATCHES
from bff_mock_server import Backends, FaultError, ScenarioError, StateError, a_batch, serve
from bff_mock_server.testing import in_process
from bff_mock_server.testing import mocked_pact as open_pact
from tests.mock_server.building import HEADERS, KEY, USER, interaction, pact, regex, shipped

pytestmark = pytest.mark.anyio


def settings(backends: Backends, *, seconds: float = 10, retries: int = 2) -> BackendSettings:
    return BackendSettings(
        internal_api_key=SecretStr(backends.api_key),
        ras_base_url=backends.ras_url,
        cms_base_url=backends.cms_url,
        http_client_timeout_seconds=seconds,
        http_retries=retries,
    )


async def test_the_clients_are_answered_from_what_is_given(backends: Backends) -> None:
    rows = [a_batch(number) for number in range(3)]
    backends.given(USER_HAS_BATCHES, user_id=USER, batches=rows)
    backends.given(BATCHES_HAVE_CLASSES, classes={rows[0]["batch_id"]: None})
    async with create_http_client(settings(backends)) as http:
        page = await RASClient(http, settings(backends)).get_batches_for_user(USER, limit=2)
        classes = await CMSClient(http, settings(backends)).get_batch_class_info([rows[0]["batch_id"]])

    assert ([batch.batch_id for batch in page.batches], page.pagination.total) == (
        [row["batch_id"] for row in rows[:2]],
        3,
    )
    assert classes == {rows[0]["batch_id"]: None}


class OwnTransport(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} went to the transport")


async def test_a_client_on_another_transport_is_answered_too(backends: Backends) -> None:
    async with httpx.AsyncClient(transport=OwnTransport()) as client:
        answer = await client.get(f"{backends.ras_url}/healthz")

    assert answer.status_code == 200


def test_a_client_that_is_not_async_is_answered_too(backends: Backends) -> None:
    assert httpx.get(f"{backends.cms_url}/healthz").status_code == 200


async def test_other_requests_go_where_they_would_have_gone(backends: Backends) -> None:
    async with httpx.AsyncClient(transport=OwnTransport()) as client:
        with pytest.raises(AssertionError, match="went to the transport"):
            await client.get("http://elsewhere.example/")
    with respx.mock as others:
        others.get("http://others.example/").respond(418)
        async with httpx.AsyncClient() as client:
            assert (await client.get("http://others.example/")).status_code == 418
            assert (await client.get(f"{backends.ras_url}/healthz")).status_code == 200


async def test_a_router_on_httpx_works_beside_when_it_lets_the_backends_requests_pass(backends: Backends) -> None:
    with respx.mock(using="httpx") as others:
        others.get("http://others.example/").respond(418)
        others.route(url__startswith=backends.ras_url).pass_through()
        async with httpx.AsyncClient(transport=OwnTransport()) as client:
            assert (await client.get("http://others.example/")).status_code == 418
            assert (await client.get(f"{backends.ras_url}/healthz")).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_found_by_each_of_its_names(backends: Backends, host: str) -> None:
    url = backends.ras_url.replace("127.0.0.1", host)

    assert httpx.get(f"{url}/healthz").status_code == 200
    assert httpx.Client(transport=backends.transport()).get(f"{url}/healthz").status_code == 200


async def test_a_base_url_may_have_a_path() -> None:
    urls = {name: f"https://gateway.example/{name}" for name in ("ras", "cms")}
    with in_process(urls=urls) as backends:
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                f"{backends.ras_url}/internal/v1/batches/user/{USER}?limit=1&offset=0", headers=HEADERS
            )

    assert answer.json()["pagination"]["total"] == 0


@pytest.mark.parametrize(
    "urls",
    [
        {"ras": "http://one.example/ras", "cms": "http://one.example/cms"},
        {"ras": "http://one.example", "cms": "http://one.example/"},
    ],
    ids=["two-prefixes", "one-url"],
)
def test_both_backends_may_stand_at_one_host(urls: dict[str, str]) -> None:
    with in_process(urls=urls) as backends:
        page = httpx.get(f"{backends.ras_url}/internal/v1/batches/user/{USER}?limit=1&offset=0", headers=HEADERS)
        classes = f"/internal/v1/batches/class-info?batch_ids={a_batch()['batch_id']}"

        assert page.json()["pagination"]["total"] == 0
        assert httpx.get(f"{backends.cms_url.rstrip('/')}{classes}", headers=HEADERS).status_code == 200


def test_a_client_that_cannot_wait_is_told_what_can(backends: Backends) -> None:
    backends.fail("*", "latency=1ms")

    with pytest.raises(RuntimeError, match="needs an async client or a real port"):
        httpx.get(f"{backends.ras_url}/healthz")


def test_too_long_a_request_is_refused_as_on_a_socket(backends: Backends) -> None:
    ids = ",".join([a_batch()["batch_id"]] * 600)

    assert httpx.get(f"{backends.cms_url}/internal/v1/batches/class-info?batch_ids={ids}").status_code == 431


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        pytest.param("status=503 retry-after=5", BackendUnavailable, "status", id="status"),
        pytest.param("html=502", BackendUnavailable, "status", id="html"),
        pytest.param("reset", BackendUnavailable, "disconnect", id="reset"),
        pytest.param("empty", BackendUnavailable, "disconnect", id="empty"),
        pytest.param("truncate", BackendUnavailable, "disconnect", id="truncated"),
        pytest.param("malformed", ContractViolation, None, id="malformed"),
        pytest.param("violation", ContractViolation, None, id="violation"),
    ],
)
async def test_the_clients_meet_what_they_would_meet_on_a_socket(
    backends: Backends, fault: str, error: type[Exception], reason: str | None
) -> None:
    backends.fail("ras", fault)
    async with create_http_client(settings(backends, retries=0)) as http:
        with pytest.raises(error) as met:
            await RASClient(http, settings(backends, retries=0)).get_batches_for_user(USER)

    assert type(met.value) is error
    assert getattr(met.value, "reason", None) == reason


@pytest.mark.parametrize("fault", [pytest.param("latency=60s", id="late"), pytest.param("drip=60s", id="dripping")])
async def test_the_clients_wait_no_longer_than_on_a_socket(backends: Backends, fault: str) -> None:
    backends.fail("ras", fault)
    async with create_http_client(settings(backends, seconds=0.2)) as http:
        with pytest.raises(BackendTimeout) as met:
            await RASClient(http, settings(backends, seconds=0.2)).get_batches_for_user(USER)

    assert met.value.reason == "timeout"


async def test_without_a_read_timeout_a_late_answer_is_waited_for(backends: Backends) -> None:
    backends.fail("*", "latency=30ms; drip=1ms")
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=None) as client:  # noqa: S113
        answer = await client.get(f"{backends.ras_url}/internal/v1/batches/user/x?limit=1&offset=0", headers=HEADERS)

    assert answer.json()["pagination"]["total"] == 0
    assert time.monotonic() - began >= 0.03


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_clients_on_every_event_loop_are_answered(backends: Backends) -> None:
    async with httpx.AsyncClient() as client:
        answers = [await client.get(f"{backends.cms_url}/healthz")]
        backends.fail("cms", "latency=1ms; status=503 times=1; drip=0ms")
        answers += [await client.get(f"{backends.cms_url}/healthz") for _ in range(2)]
        backends.recover()
        backends.fail("cms", "reset")
        with pytest.raises(httpx.ReadError):
            await client.get(f"{backends.cms_url}/healthz")

    assert [answer.status_code for answer in answers] == [200, 503, 200]


async def test_faults_end_when_the_backends_recover(backends: Backends) -> None:
    backends.fail("GET /healthz", "status=500 times=1")
    async with httpx.AsyncClient() as client:
        statuses = [(await client.get(f"{backends.ras_url}/healthz")).status_code for _ in range(2)]
        backends.fail()
        statuses.append((await client.get(f"{backends.ras_url}/healthz")).status_code)
        backends.recover()
        statuses.append((await client.get(f"{backends.ras_url}/healthz")).status_code)

    assert statuses == [500, 200, 503, 200]


def test_one_of_several_faults_ends(backends: Backends) -> None:
    ras, cms = backends.fail("ras"), backends.fail("cms")
    backends.recover(ras)

    assert [httpx.get(f"{url}/healthz").status_code for url in (backends.ras_url, backends.cms_url)] == [200, 503]
    with pytest.raises(FaultError, match=f"there are: {cms.number}"):
        backends.recover(ras)


async def test_a_test_can_ask_what_was_asked(backends: Backends) -> None:
    async with create_http_client(settings(backends)) as http:
        await RASClient(http, settings(backends)).get_batches_for_user(USER, status=BatchStatus.CANCELLED)

    (asked,) = backends.requests
    assert asked.query == {"limit": ("20",), "offset": ("0",), "status": ("cancelled",)}
    assert list(backends.asked("ras", status="cancelled")) == [asked]
    assert list(backends.asked(path="/internal/*")) == [asked]
    assert list(backends.asked("cms")) == []
    assert KEY not in repr(asked)


def test_what_was_not_asked_is_explained_by_what_was(backends: Backends) -> None:
    assert repr(backends.asked("ras")) == "<no request at all>"
    httpx.get(f"{backends.ras_url}/internal/v1/batches/user/{USER}?limit=5&offset=0", headers=HEADERS)
    httpx.get(f"{backends.cms_url}/healthz")

    explained = repr(backends.asked("ras", limit="7"))

    assert explained == (
        f"<no such request; the closest: ras GET /internal/v1/batches/user/{USER}?limit=5&offset=0 -> 200,"
        " limit=5 and not 7>"
    )


def test_a_class_may_be_its_name_alone(backends: Backends) -> None:
    batches = [a_batch(number)["batch_id"] for number in range(3)]
    backends.given("batches have exactly these classes", classes={**dict.fromkeys(batches[:2], "9A"), batches[2]: None})

    found = httpx.get(
        f"{backends.cms_url}/internal/v1/batches/class-info?batch_ids={','.join(batches)}", headers=HEADERS
    )

    assert [known and known["class_name"] for known in found.json().values()] == ["9A", "9A", None]
    assert len({known["class_id"] for known in found.json().values() if known}) == 1


def test_coverage_can_be_of_some_endpoints(backends: Backends) -> None:
    httpx.get(f"{backends.cms_url}/healthz")

    backends.assert_contract_covered("cms", route="GET /healthz")
    with pytest.raises(AssertionError, match="of 11 interactions were never used"):
        backends.assert_contract_covered(route="*/class-info")
    with pytest.raises(AssertionError, match="no endpoint is on the route"):
        backends.assert_contract_covered(route="*/nowhere")


async def test_what_was_never_used_is_named(backends: Backends) -> None:
    async with create_http_client(settings(backends)) as http:
        await CMSClient(http, settings(backends)).get_batch_class_info([a_batch()["batch_id"]])

    with pytest.raises(AssertionError) as uncovered:
        backends.assert_contract_covered("cms")

    assert " interactions were never used:" in str(uncovered.value)
    assert "wrong key (class-management-service GET /internal/v1/batches/class-info -> 401)" in str(uncovered.value)
    assert "result-aggregator-service" not in str(uncovered.value)


def test_a_contract_is_covered_when_every_case_of_it_was_seen(backends: Backends) -> None:
    """Each interaction in its own states: what answers then is of its case."""
    contract = shipped(CMS)
    for each in contract.interactions:
        for state in each.states:
            backends.given(state.name, **state.params)
        sent = each.request
        query = "&".join(f"{name}={value}" for name, values in sent.query.items() for value in values)
        headers = {name: ", ".join(values) for name, values in sent.headers.items()}
        httpx.get(f"{backends.cms_url}{sent.path}?{query}".rstrip("?"), headers=headers)

    backends.assert_contract_covered("cms")

    assert sum(use.times > 0 for use in backends.coverage()) == len(contract.interactions)


def test_a_scenario_can_be_used(backends: Backends) -> None:
    scenario = backends.use("exam-week")

    target = f"{backends.ras_url}/internal/v1/batches/user/{scenario.teachers[0].user_id}?limit=1&offset=0"
    assert httpx.get(target, headers=HEADERS).json()["pagination"]["total"] == scenario.teachers[0].batches


def test_mistakes_in_a_test_are_said(backends: Backends) -> None:
    with pytest.raises(StateError, match="known: 'user has exactly these batches'"):
        backends.given("user has batches", user_id=USER)
    with pytest.raises(FaultError, match="one of: latency"):
        backends.fail("ras", "explode")
    with pytest.raises(ValueError, match="no provider 'cmss' is mocked here; did you mean 'cms'"):
        backends.assert_contract_covered("cmss")
    with pytest.raises(ValueError, match="did you mean 'ras'"):
        backends.asked("rsa")
    with pytest.raises(FaultError, match="no endpoint is on the route"):
        backends.fail("ras GET /typo")
    with pytest.raises(ScenarioError, match="known: 'default'"):
        backends.use("nothing")
    with pytest.raises(TypeError, match="a batch has no colour; it has assignment_id"):
        a_batch(colour="red")


def test_batches_for_tests_differ_by_number_and_take_what_is_said() -> None:
    one, two = a_batch(1), a_batch(2, status="cancelled", assignment_id="Uppgift")

    assert one["batch_id"] != two["batch_id"]
    assert one["created_at"] > two["created_at"]
    assert (two["internal_status"], two["assignment_id"]) == ("cancelled", "Uppgift")


def test_real_ports_are_for_what_is_not_httpx(backends_on_ports: Backends) -> None:
    backends_on_ports.given(USER_HAS_BATCHES, user_id=USER, batches=[a_batch()])
    program = f"""
        import urllib.request
        request = urllib.request.Request(
            "{backends_on_ports.ras_url}/internal/v1/batches/user/{USER}?limit=1&offset=0", headers={HEADERS!r}
        )
        print(urllib.request.urlopen(request).status)
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "200"
    assert [asked.status for asked in backends_on_ports.requests] == [200]


def test_a_port_in_use_is_said_and_nothing_is_left_open() -> None:
    with serve() as running:
        port = int(running.ras_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), serve(ras_port=port):
            pass


STARTS = pytest.mark.slow("starts pytest as another project does")

RunsTheirs = Callable[..., str]
"""Runs a test file of another project, with these variables alone, and gives what pytest prints."""


@pytest.fixture
def run_theirs(tmp_path: Path) -> RunsTheirs:
    def run(program: str, **variables: str) -> str:
        (tmp_path / "test_theirs.py").write_text(dedent(program))
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": "", **variables},
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize(
    "variable", ["BFF_TEACHER_SERVICE_RAS_BASE_URL", pytest.param("BFF_TEACHER_SERVICE_RAS_URL", marks=STARTS)]
)
def test_it_is_there_wherever_the_package_is(run_theirs: RunsTheirs, variable: str) -> None:
    program = """
        import httpx, os, pytest

        @pytest.fixture(scope="session")
        def bff_api_key():
            return "their-key"

        def test_theirs(backends):
            assert backends.ras_url == "http://ras.example:99"
            headers = {"X-Internal-API-Key": "their-key", "X-Service-ID": "bff-teacher-service"}
            url = "http://ras.example:99/internal/v1/batches/user/x?limit=1&offset=0"
            headers["X-Correlation-ID"] = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00"
            assert httpx.get(url, headers=headers).status_code == 200
    """

    assert "1 passed" in run_theirs(program, **{variable: "http://ras.example:99"})


def test_a_failed_test_says_what_was_refused_and_what_went_past(run_theirs: RunsTheirs) -> None:
    printed = run_theirs(
        """
        import httpx
        from contextlib import suppress

        def test_theirs(backends):
            headers = {"X-Internal-API-Key": backends.api_key, "X-Service-ID": "bff-teacher-service"}
            headers["X-Correlation-ID"] = "3f0e9a51-7c1e-4b4b-8a52-0d6a1b2c3d00"
            httpx.get(f"{backends.ras_url}/internal/v1/batches/user/x?limit=500&offset=0", headers=headers)
            headers["X-Internal-API-Key"] = "wrong"
            httpx.get(f"{backends.ras_url}/internal/v1/batches/user/x?limit=5&offset=0", headers=headers)
            with suppress(httpx.ConnectError):
                httpx.get("http://127.0.0.1:9/elsewhere")
            assert backends.asked("ras", limit="7")
        """
    )

    report = printed.partition("Mocked backends")[2]
    assert "ras GET /internal/v1/batches/user/x?limit=500&offset=0 -> 400\n  set query limit: " in report, printed
    assert "limit=5&offset=0 -> 401\n  send the key backends.api_key and a service id" in report
    assert "No backend is mocked at http://127.0.0.1:9, but at " in report
    assert "limit=5 and not 7" in printed


UNANSWERED = """
    import httpx

    def dashboard(key):
        try:
            return httpx.get("http://127.0.0.1:9/internal/v1/batches/user/x", headers={key: "a-key"}).json()
        except httpx.ConnectError:
            return {"error": {}}
"""


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        pytest.param(
            'dashboard("X-Internal-API-Key")["batches"]',
            "Failed: A request got no answer",
            id="test-fails",
            marks=STARTS,
        ),
        pytest.param('dashboard("X-Internal-API-Key")["error"]', "Failed: A request got no answer", id="test-passes"),
        pytest.param('dashboard("Authorization")["error"]', "1 passed", id="no-call-of-the-bff", marks=STARTS),
    ],
)
def test_a_request_of_the_bff_that_nothing_answered_fails_the_test(
    run_theirs: RunsTheirs, line: str, summary: str
) -> None:
    printed = run_theirs(f"{dedent(UNANSWERED)}\ndef test_theirs(backends):\n    {line}\n", COLUMNS="200")
    failed = "1 failed" in printed

    assert summary in printed
    assert failed is ("passed" not in summary)
    assert ("No backend is mocked at http://127.0.0.1:9, but at http://127.0.0.1:4003, " in printed) is failed
    assert ("override the fixture bff_backend_urls" in printed) is failed


@STARTS
def test_a_request_that_the_test_sends_to_its_application_is_no_missed_one(run_theirs: RunsTheirs) -> None:
    printed = run_theirs(
        """
        import httpx

        def test_theirs(backends):
            application = httpx.MockTransport(lambda request: httpx.Response(500))
            with httpx.Client(transport=application) as http:
                assert http.get("http://testserver/dashboard").status_code == 200
        """
    )

    assert "1 failed" in printed
    assert "testserver" not in printed.partition("Mocked backends")[2]


def test_loading_it_imports_nothing_but_pytest_and_the_standard_library() -> None:
    program = """
        import sys, pytest
        before = set(sys.modules)
        import bff_mock_server.pytest_plugin
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(new - set(sys.stdlib_module_names)))
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout.strip() == "['bff_mock_server']"


@pytest.fixture
def entitlements(tmp_path: Path) -> Path:
    made = interaction("rights", "/users/u1/rights", body={"user": "u1"}, rules={"path": regex("/users/[^/]+/rights")})
    made["response"]["matchingRules"] = {"body": {"$.user": {"matchers": [{"match": "type"}]}}}
    path = tmp_path / "entitlements.json"
    path.write_text(json.dumps(pact(made).document), encoding="utf-8")
    return path


MocksPact = Callable[..., Backends]


def test_any_pact_file_answers_beside_the_backends(
    entitlements: Path, mocked_pact: MocksPact, backends: Backends
) -> None:
    mocked_pact(entitlements, base_url="http://entitlements")

    assert httpx.get("http://entitlements/users/u7/rights").status_code == 200
    assert httpx.get(f"{backends.ras_url}/healthz").status_code == 200


def test_any_pact_file_answers_a_sync_client(entitlements: Path, mocked_pact: MocksPact) -> None:
    mocked_pact(entitlements, base_url="http://entitlements/api")

    assert httpx.get("http://entitlements/api/users/u7/rights").json() == {"user": "u7"}


async def test_any_pact_file_answers_in_process(entitlements: Path, mocked_pact: MocksPact) -> None:
    mocked = mocked_pact(entitlements, base_url="http://entitlements/api")

    async with httpx.AsyncClient(base_url="http://entitlements/api") as http:
        answer = await http.get("/users/u8/rights")
        refused = await http.get("/users")

    assert (answer.json(), refused.status_code) == ({"user": "u8"}, 404)
    assert [exchange.path for exchange in mocked.requests] == ["/users/u8/rights", "/users"]


def test_the_answers_of_any_pact_file_can_go_wrong(entitlements: Path) -> None:
    with open_pact(entitlements, base_url="http://entitlements") as mocked:
        mocked.fail(fault="status=503")

        assert httpx.get("http://entitlements/users/u1/rights").status_code == 503

        mocked.recover()
        assert httpx.get("http://entitlements/users/u1/rights").status_code == 200


def test_a_transport_answers_a_sync_client(backends: Backends) -> None:
    with httpx.Client(transport=backends.transport()) as http:
        assert http.get(f"{backends.cms_url}/healthz").status_code == 200
        with pytest.raises(httpx.ConnectError, match=r"http://elsewhere/ is not mocked; these are: http://"):
            http.get("http://elsewhere/")
        backends.fail("cms", "latency=1ms")
        with pytest.raises(RuntimeError, match="needs an async client"):
            http.get(f"{backends.cms_url}/healthz")


async def test_a_transport_answers_an_async_client(backends: Backends) -> None:
    async with httpx.AsyncClient(transport=backends.transport()) as http:
        backends.fail("cms", "latency=1ms")
        answer = await http.get(f"{backends.cms_url}/healthz")

    assert (answer.status_code, len(backends.requests)) == (200, 1)


def test_backends_on_ports_need_no_transport(backends_on_ports: Backends) -> None:
    with pytest.raises(RuntimeError, match="need no transport"):
        backends_on_ports.transport()

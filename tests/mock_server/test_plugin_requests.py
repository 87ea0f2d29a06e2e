"""Which requests the fixtures answer: of every httpx client, to each name of the backends, and no others."""

import subprocess
import sys
from textwrap import dedent

import httpx
import pytest
import respx

from bff_contracts.platform import CMS, RAS
from bff_contracts.states import USER_HAS_BATCHES
from bff_mock_server import Backends, a_batch, serve
from bff_mock_server.testing import in_process
from tests.mock_server.building import HEADERS, USER

pytestmark = pytest.mark.anyio


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


def test_the_innermost_backends_answer(backends: Backends) -> None:
    """As when a fixture of a module has backends of its own at the same URLs."""
    with in_process(urls=backends.urls) as inner:
        httpx.get(f"{backends.ras_url}/healthz")
    httpx.get(f"{backends.cms_url}/healthz")

    assert [[one.provider for one in each.requests] for each in (inner, backends)] == [[RAS], [CMS]]


@pytest.mark.parametrize(
    "urls",
    [
        {"ras": "http://one.example/ras", "cms": "http://one.example/cms"},
        {"ras": "http://one.example", "cms": "http://one.example/"},
    ],
    ids=["two-prefixes", "one-url"],
)
def test_both_backends_may_have_one_host(urls: dict[str, str]) -> None:
    with in_process(urls=urls) as backends:
        page = httpx.get(f"{backends.ras_url}/internal/v1/batches/user/{USER}?limit=1&offset=0", headers=HEADERS)
        classes = f"/internal/v1/batches/class-info?batch_ids={a_batch()['batch_id']}"

        assert page.json()["pagination"]["total"] == 0
        assert httpx.get(f"{backends.cms_url.rstrip('/')}{classes}", headers=HEADERS).status_code == 200


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


def test_a_port_in_use_is_reported_and_no_socket_stays_open() -> None:
    with serve() as running:
        port = int(running.ras_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), serve(ras_port=port):
            pass


def test_a_transport_answers_a_sync_client(backends: Backends) -> None:
    with httpx.Client(transport=backends.transport()) as http:
        assert http.get(f"{backends.cms_url}/healthz").status_code == 200
        with pytest.raises(httpx.ConnectError, match="http://elsewhere/"):
            http.get("http://elsewhere/")
        backends.fail("cms", "latency=1ms")
        with pytest.raises(RuntimeError):
            http.get(f"{backends.cms_url}/healthz")


async def test_a_transport_answers_an_async_client(backends: Backends) -> None:
    async with httpx.AsyncClient(transport=backends.transport()) as http:
        backends.fail("cms", "latency=1ms")
        answer = await http.get(f"{backends.cms_url}/healthz")

    assert (answer.status_code, len(backends.requests)) == (200, 1)


def test_backends_on_ports_need_no_transport(backends_on_ports: Backends) -> None:
    with pytest.raises(RuntimeError):
        backends_on_ports.transport()

"""Foreign hosts and origins are rejected, those of this machine are not."""

import pytest

from bff_mock_server.serving.guard import Guard
from tests.support.golden import Golden

GUARD = Guard(["mock", "10.0.0.5"])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"host": "127.0.0.1:4100"}, id="loopback"),
        pytest.param({"host": "localhost"}, id="name"),
        pytest.param({"host": "[::1]:4100"}, id="ip-6"),
        pytest.param({"host": "MOCK:4100"}, id="allowed-name"),
        pytest.param({"host": "192.168.1.7:4100"}, id="address-that-cannot-be-rebound"),
        pytest.param({"host": "127.0.0.1:4100", "origin": "http://127.0.0.1:4100"}, id="own-page"),
        pytest.param({"host": "127.0.0.1", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, id="link"),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "cross-site", "origin": "http://localhost:1"}, id="front-end"
        ),
        pytest.param({"host": "127.0.0.1:4100", "origin": "http://localhost:5173"}, id="front-end-of-this-machine"),
    ],
)
def test_this_machine_may(headers: dict[str, str]) -> None:
    assert GUARD.refuses("GET", headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"host": "evil.example:4100"}, id="rebound-name"),
        pytest.param({"host": "localhost.evil.example"}, id="name-that-begins-well"),
        pytest.param({"host": ""}, id="empty"),
        pytest.param({"host": "["}, id="broken"),
        pytest.param({"host": "127.0.0.1@evil.example"}, id="user-info"),
        pytest.param({"host": "127.0.0.1", "origin": "https://evil.example"}, id="foreign-page"),
        pytest.param({"host": "127.0.0.1", "origin": "http://192.168.1.7"}, id="page-of-a-neighbour"),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
            id="image-of-a-foreign-page",
        ),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
            id="form-of-a-foreign-page",
        ),
        pytest.param({"host": "127.0.0.1", "origin": "null"}, id="page-without-an-origin"),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "Cross-Site", "sec-fetch-mode": "navigate"}, id="in-another-case"
        ),
        pytest.param({"host": "127.0.0.1", "sec-fetch-site": "same-origin, cross-site"}, id="two-sites"),
        pytest.param({"host": "127.0.0.1", "origin": "http://127.0.0.1, http://evil.example"}, id="two-origins"),
        pytest.param({"host": "127.0.0.1", "origin": "http://evil@localhost"}, id="origin-with-a-user"),
        pytest.param({"host": "127.0.0.1, evil.example"}, id="two-hosts"),
        pytest.param({"host": "evil.example@localhost"}, id="host-with-a-user"),
        pytest.param({"host": "localhost/evil"}, id="host-with-a-path"),
    ],
)
def test_foreign_hosts_and_pages_are_rejected(headers: dict[str, str], golden: Golden) -> None:
    refusal = GUARD.refuses("POST", headers)

    assert refusal is not None
    golden.check(refusal)

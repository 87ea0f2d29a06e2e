"""Foreign hosts and origins are refused, those of this machine are not."""

import pytest

from bff_mock_server.serving.guard import Guard

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
    ("headers", "reason"),
    [
        pytest.param({"host": "evil.example:4100"}, "'evil.example:4100', which is foreign", id="rebound-name"),
        pytest.param({"host": "localhost.evil.example"}, "foreign", id="name-that-begins-well"),
        pytest.param({"host": ""}, "foreign", id="empty"),
        pytest.param({"host": "["}, "foreign", id="broken"),
        pytest.param({"host": "127.0.0.1@evil.example"}, "foreign", id="user-info"),
        pytest.param({"host": "127.0.0.1", "origin": "https://evil.example"}, "may not use this", id="foreign-page"),
        pytest.param(
            {"host": "127.0.0.1", "origin": "http://192.168.1.7"}, "may not use this", id="page-of-a-neighbour"
        ),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
            "from elsewhere",
            id="image-of-a-foreign-page",
        ),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
            "from elsewhere",
            id="form-of-a-foreign-page",
        ),
        pytest.param({"host": "127.0.0.1", "origin": "null"}, "may not use this", id="page-without-an-origin"),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "Cross-Site", "sec-fetch-mode": "navigate"},
            "from elsewhere",
            id="in-another-case",
        ),
        pytest.param(
            {"host": "127.0.0.1", "sec-fetch-site": "same-origin, cross-site"}, "from elsewhere", id="two-sites"
        ),
        pytest.param(
            {"host": "127.0.0.1", "origin": "http://127.0.0.1, http://evil.example"}, "may not use", id="two-origins"
        ),
        pytest.param({"host": "127.0.0.1", "origin": "http://evil@localhost"}, "may not use", id="origin-with-a-user"),
        pytest.param({"host": "127.0.0.1, evil.example"}, "foreign", id="two-hosts"),
        pytest.param({"host": "evil.example@localhost"}, "foreign", id="host-with-a-user"),
        pytest.param({"host": "localhost/evil"}, "foreign", id="host-with-a-path"),
    ],
)
def test_others_may_not(headers: dict[str, str], reason: str) -> None:
    assert reason in (GUARD.refuses("POST", headers) or "")

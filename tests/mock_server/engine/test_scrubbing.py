"""No secret of a request is kept: by its name, in an address, in a body, or because its value is known."""

from typing import Any

import pytest

from bff_mock_server.engine.scrubbing import Scrubber
from bff_mock_server.matching.request import Asked, is_secret
from bff_mock_server.serving.http import query_of

SECRET = "swordfish-4711"


def kept(target: str = "/x", *, headers: dict[str, str] | None = None, body: bytes = b"", keys: Any = ()) -> str:
    path, _, query = target.partition("?")
    return repr(Scrubber(keys).kept(Asked("POST", path, query_of(query), headers or {}, query, body)))


@pytest.mark.parametrize(
    "name",
    [
        "x-internal-api-key",
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-jwt",
        "x-bearer",
        "x-amz-signature",
        "x-amz-security-token",
        "x-auth-token",
        "x-session-id",
        "x-csrf-token",
        "client-secret",
        "x-pwd",
    ],
)
def test_a_header_whose_name_says_so_is_not_kept(name: str) -> None:
    assert SECRET not in kept(headers={name: SECRET, "accept": "x"})


@pytest.mark.parametrize(
    "name", ["sig", "jwt", "code", "api_key", "access_token", "password", "X-Amz-Signature", "otp"]
)
def test_a_parameter_whose_name_says_so_is_not_kept(name: str) -> None:
    found = kept(f"/x?a=1&{name}={SECRET}&b=2")

    assert SECRET not in found
    assert f"a=1&{name}=…&b=2" in found


@pytest.mark.parametrize("name", ["x-country-code", "accept", "postcode", "design", "pinned", "x-service-id", "limit"])
def test_other_names_are_no_secrets(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"user": "anna", "password": "{SECRET}"}}',
        f'{{"deep": [{{"api_key" : "{SECRET}"}}]}}',
        f'{{"access_token": "a\\"{SECRET}"}}',
        f'{{"pin": {SECRET}}}',
        f'{{"password": "{SECRET}',
        f'{{"credentials": {{"user": "anna", "list": ["]", "{SECRET}"]}}, "limit": 1}}',
        f'{{"tokens": ["{SECRET}", "{SECRET}',
        f"user=anna&password={SECRET}",
        f"password={SECRET}&user=anna",
    ],
)
def test_a_secret_in_a_body_is_not_kept(body: str) -> None:
    assert SECRET not in kept(body=body.encode())


def test_what_is_no_secret_in_a_body_is_kept() -> None:
    body = '{"user": "Åsa", "design": "x&y=z", "rows": [{"key": {}, "a": 1}], "b": "c"}'

    assert Scrubber().kept(Asked("POST", "/", {}, {}, "", body.encode())).body == body.replace("{}", "…").encode()


def test_bytes_that_are_no_text_are_kept() -> None:
    assert Scrubber().kept(Asked("POST", "/", {}, {}, "", b"\xff\x00")).body == b"\xff\x00"


def test_an_address_is_kept_without_its_query() -> None:
    found = kept(headers={"referer": f"https://bff.example/login?next=1&token={SECRET}#x"})

    assert SECRET not in found
    assert "https://bff.example/login?…" in found


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"target": f"/x/{SECRET}"}, id="path"),
        pytest.param({"target": f"/x?limit={SECRET}"}, id="query"),
        pytest.param({"headers": {"x-service-id": f"a{SECRET}b"}}, id="header"),
        pytest.param({"body": f'{{"note": "{SECRET}"}}'.encode()}, id="body"),
    ],
)
def test_a_known_key_is_kept_nowhere(request_: dict[str, Any]) -> None:
    assert SECRET in kept(**request_)
    assert SECRET not in kept(**request_, keys=[SECRET])


def test_a_known_key_is_found_in_its_encoded_form_too() -> None:
    assert "a%2Fb%3D%3D" not in kept("/x?limit=a%2Fb%3D%3D", keys=["a/b=="])


def test_a_key_of_a_few_letters_is_not_cut_out_of_words() -> None:
    assert "abc" in kept("/abc", keys=["abc"])


def test_a_parameter_that_comes_thousands_of_times_keeps_its_order() -> None:
    found = query_of("&".join(f"a={number}" for number in range(8000)))

    assert list(found["a"]) == list(map(str, range(8000)))

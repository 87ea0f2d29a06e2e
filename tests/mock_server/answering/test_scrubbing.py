"""No secret of a request is recorded: by its name, in an address, in a body, or by its known value."""

from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest

from bff_mock_server.answering.scrubbing import BODY_BYTES, Scrubber
from bff_mock_server.matching.match import RequestDifference
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
        "x-xsrf",
        "x-otp",
        "x-pin",
        "x-sid",
        "x-passphrase",
        "x-hmac",
        "x-sig",
        "dpop",
        "x-saml-response",
        "x-user-email",
        "x-pin-code",
        "user_otp",
    ],
)
def test_a_header_with_a_secret_name_is_not_recorded(name: str) -> None:
    assert SECRET not in kept(headers={name: SECRET, "accept": "x"})


@pytest.mark.parametrize(
    "name",
    [
        "sig",
        "jwt",
        "code",
        "api_key",
        "access_token",
        "password",
        "X-Amz-Signature",
        "otp",
        "sid",
        "SAMLResponse",
        "email",
    ],
)
def test_a_parameter_with_a_secret_name_is_not_recorded(name: str) -> None:
    found = kept(f"/x?a=1&{name}={SECRET}&b=2")

    assert SECRET not in found
    assert f"a=1&{name}=…&b=2" in found


@pytest.mark.parametrize(
    "name",
    [
        "x-country-code",
        "accept",
        "postcode",
        "design",
        "pinned",
        "x-service-id",
        "limit",
        "error_code",
        "x-mock-session",
    ],
)
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
        f'{{"p\\u0061ssword": "{SECRET}"}}',
        f'{{"sent": "{{\\"password\\": \\"{SECRET}\\"}}"}}',
        f"p%61ssword={SECRET}&user=anna",
        f"user=anna;password={SECRET}",
        f"password=a;b{SECRET}",
        f"user[password]={SECRET}",
        f"sent=%7B%22password%22%3A+%22{SECRET}%22%7D",
        f'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\n{SECRET}\r\n--x--\r\n',
        f"--x\r\ncontent-disposition: form-data; name=pin\r\nContent-Type: text/plain\r\n\r\n1\r\n{SECRET}",
        f"<a><ns:password at='1'>{SECRET}</ns:password></a>",
        f"<password><![CDATA[<{SECRET}>]]></password>",
        f'<login user="anna" password="{SECRET}"/>',
        f"user: anna\npassword: {SECRET} {SECRET}\n",
    ],
)
def test_a_secret_in_a_body_is_not_kept(body: str) -> None:
    assert SECRET not in kept(body=body.encode())


def test_a_body_without_secrets_is_recorded() -> None:
    body = '{"user": "Åsa", "design": "x&y=z", "rows": [{"key": {}, "a": 1}], "b": "c"}'

    assert Scrubber().kept(Asked("POST", "/", {}, {}, "", body.encode())).body == body.replace("{}", "…").encode()


def test_bytes_that_are_no_text_are_kept() -> None:
    assert Scrubber().kept(Asked("POST", "/", {}, {}, "", b"\xff\x00")).body == b"\xff\x00"


def test_an_address_is_kept_without_its_query() -> None:
    found = kept(headers={"referer": f"https://bff.example/login?next=1&token={SECRET}#x"})

    assert SECRET not in found
    assert "'https://bff.example/login?…'" in found
    assert "'https://bff.example/login'" in kept(headers={"referer": "https://bff.example/login"})
    assert Scrubber().headers([("referer", "http://a/b?c=d")]) == {"referer": "http://a/b?…"}


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


ODD = "a/b+c=d-swordfish"
"""A key that every encoding writes in another way."""


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(quote(ODD, safe=""), id="percent"),
        pytest.param(quote(ODD, safe="").lower(), id="percent-in-lower-case"),
        pytest.param(quote(ODD, safe="/"), id="percent-in-part"),
        pytest.param("".join(f"%{ord(letter):02X}" for letter in ODD), id="percent-in-full"),
        pytest.param(quote(quote(ODD, safe=""), safe=""), id="percent-twice"),
        pytest.param("".join(f"\\u{ord(letter):04x}" for letter in ODD), id="json"),
        pytest.param("".join(f"\\\\u{ord(letter):04X}" for letter in ODD), id="json-in-json"),
        pytest.param("".join(f"&#{ord(letter)};" for letter in ODD), id="html"),
        pytest.param("".join(f"&#x{ord(letter):X};" for letter in ODD), id="html-in-hexadecimal"),
        pytest.param(ODD.upper(), id="upper-case"),
        pytest.param(ODD.replace("/", "\\/"), id="json-slash"),
        pytest.param(b64encode(ODD.encode()).decode(), id="base64"),
        pytest.param(urlsafe_b64encode(ODD.encode()).decode(), id="base64-for-urls"),
        *(
            pytest.param(b64encode(f"{user}:{ODD}".encode()).decode(), id=f"basic-{user}")
            for user in ("a", "bf", "bff")
        ),
        pytest.param(ODD.encode().hex(), id="hex"),
    ],
)
def test_a_known_key_is_found_in_its_encoded_forms_too(form: str) -> None:
    core = form[8:20]
    for request_ in (
        kept(f"/x/{quote(form, safe='%/')}", keys=[ODD]),
        kept(f"/x?limit={quote(form, safe='%')}", keys=[ODD]),
        kept(f"/x?{quote(form, safe='%')}=1", keys=[ODD]),
        kept(headers={"x-note": form}, keys=[ODD]),
        kept(body=f'{{"note": "{form}"}}'.encode(), keys=[ODD]),
    ):
        assert core not in request_
        assert quote(core, safe="%") not in request_
        assert "swordfish" not in request_.lower()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"https://anna:{SECRET}@bff.example/x", id="userinfo"),
        pytest.param(f"/login?next=1&access_token={SECRET}", id="query-of-an-address"),
        pytest.param(f"Bearer {SECRET}", id="bearer"),
        pytest.param(f"basic {SECRET}", id="basic"),
        pytest.param(f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}", id="jwt"),
        pytest.param(f'id="1",signature="{SECRET}"', id="parameters"),
        pytest.param(f"ApiKey {SECRET}", id="another-scheme"),
        pytest.param(f'{{"password": "{SECRET}"}}', id="json"),
        pytest.param(quote(quote(f"/login?token={SECRET}", safe=""), safe=""), id="percent-twice"),
    ],
)
def test_credentials_in_a_header_of_any_name_are_not_kept(value: str) -> None:
    assert SECRET not in kept(headers={"x-note": value})


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(f"/x;jsessionid={SECRET}/y", id="parameter-of-the-path"),
        pytest.param(f"/api_key={SECRET}/y", id="segment"),
        pytest.param(f"/x/Bearer%20{SECRET}", id="scheme-in-a-segment"),
        pytest.param(f"/x?a=1;password={SECRET}", id="semicolon"),
        pytest.param(f"/x?filter=%7B%22password%22%3A%22{SECRET}%22%7D", id="json"),
        pytest.param(f"/x?next=/cb?code={SECRET}", id="address"),
        pytest.param(f"/x?next=http%3A%2F%2Fa%2F%3Ftoken%3D{SECRET}", id="encoded-address"),
        pytest.param(f"/x?next=%252Fcb%253Ftoken%253D{SECRET}", id="address-encoded-twice"),
        pytest.param(f"/x?next=http://u:{SECRET}@a/", id="userinfo"),
        pytest.param(f"/x?q=Bearer+{SECRET}", id="scheme"),
        pytest.param(f"/x?q=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}", id="jwt"),
        pytest.param(f"/x?pass%2577ord={SECRET}", id="name-encoded-twice"),
    ],
)
def test_a_secret_inside_a_path_or_a_parameter_is_not_kept(target: str) -> None:
    assert SECRET not in kept(target)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("body", [f'{{"note": "{SECRET}", "b": 1}}', '{"password": "a-known-key", "b": 1}'])
def test_a_secret_in_a_body_of_another_encoding_is_not_kept(encoding: str, body: str) -> None:
    sent = (" " * 90 + body).encode(encoding)

    shown = Scrubber([SECRET]).kept(Asked("POST", "/", {}, {}, "", sent)).body

    assert shown.decode(encoding).strip() in {'{"note": "…", "b": 1}', '{"password": …, "b": 1}'}


def test_a_long_body_of_another_encoding_ends_where_others_do() -> None:
    sent = ("x" * 995 + SECRET).encode("utf-16-le")

    assert Scrubber([SECRET]).kept(Asked("POST", "/", {}, {}, "", sent)).body == ("x" * 995).encode("utf-16-le")


def test_a_target_without_secrets_is_recorded_unchanged() -> None:
    query = "batch_ids=a%2Cb&at=2026-01-31T08:15:30%2B01:00&q=a+b=c&eyJ=&status=%F6"
    asked = Asked("GET", "/x;v=1/anna%40example", query_of(query), {}, query)

    found = Scrubber([SECRET]).kept(asked)

    assert (found.path, found.query, found.query_string) == (asked.path, asked.query, query)


def test_a_header_without_credentials_is_recorded_unchanged() -> None:
    headers = {"accept": "text/html, */*;q=0.8", "user-agent": "python-httpx/0.28 (x; y=1)", "x-link": "http://a/b?c=d"}

    assert dict(Scrubber(["swordfish"]).kept(Asked("GET", "/", {}, headers)).headers) == headers


@pytest.mark.parametrize(
    ("where", "actual"),
    [
        pytest.param("body $.password", SECRET, id="value"),
        pytest.param("body $.login", f'{{"password":"{SECRET}"}}', id="member"),
    ],
)
def test_a_difference_shows_no_secret_of_a_body(where: str, actual: str) -> None:
    assert SECRET not in repr(Scrubber().difference(RequestDifference(where, "equality", "x", actual)))


def test_a_key_of_a_few_letters_is_not_cut_out_of_words() -> None:
    assert "abc" in kept("/abc", keys=["abc"])


def test_a_parameter_that_comes_thousands_of_times_keeps_its_order() -> None:
    found = query_of("&".join(f"a={number}" for number in range(8000)))

    assert list(found["a"]) == list(map(str, range(8000)))


def test_an_answers_header_that_comes_twice_is_kept_as_one() -> None:
    assert Scrubber().headers([("x-a", "1"), ("x-a", "2"), ("x-b", "3")]) == {"x-a": "1, 2", "x-b": "3"}


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        pytest.param(("query limit", "101"), ("query limit", "101"), id="no-secret"),
        pytest.param(("query limit", None), ("query limit", None), id="absent"),
        pytest.param(("query swordfish", "a swordfish"), ("query …", "a …"), id="key"),
        pytest.param(("body $.name", "Ann"), ("body $.name", "Ann"), id="member"),
        pytest.param(("body $.password", "Ann"), ("body $.password", "…"), id="secret-member"),
    ],
)
def test_a_difference_is_shown_without_secrets(found: tuple[str, str | None], shown: tuple[str, str | None]) -> None:
    difference = Scrubber(["swordfish"]).difference(RequestDifference(found[0], "equality", "x", found[1]))

    assert difference == RequestDifference(shown[0], "equality", "x", shown[1])


@pytest.mark.parametrize("keys", [(), ("a-known-key",)], ids=["no-keys", "keys"])
@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param(b"a\xffb\xfe", b"a\xffb\xfe", id="bytes"),
        pytest.param(b"x" * 3000, b"x" * BODY_BYTES, id="long"),
        pytest.param("å".encode() * 3000, "å".encode() * (BODY_BYTES // 2), id="long-text"),
    ],
)
def test_of_a_body_as_much_is_kept_as_there_may_be(keys: tuple[str, ...], body: bytes, shown: bytes) -> None:
    scrubber = Scrubber(keys)

    assert scrubber.shown(body[: scrubber.searched]) == shown


def test_a_key_at_the_very_end_of_what_is_kept_is_cut_out() -> None:
    body = b"x" * (BODY_BYTES - len("a-known-key")) + b"a-known-key" + b"y" * 100

    assert Scrubber(["a-known-key"]).shown(body).endswith("x…".encode())


def test_a_secret_in_a_segment_leaves_the_others_of_its_path() -> None:
    found = Scrubber().kept(Asked("GET", f"/x;jsessionid={SECRET}/y", {}, {}))

    assert (found.path, found.body) == ("/x;jsessionid=…/y", b"")

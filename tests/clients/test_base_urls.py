"""Base URLs fail at start when they are missing outside of development, or are no plain origins."""

import pytest
from pydantic import ValidationError

from bff_clients import BackendSettings
from tests.support.golden import Golden
from tests.support.platform import KEY

pytestmark = pytest.mark.usefixtures("bare_environment")


@pytest.mark.parametrize(
    ("environment", "urls", "is_valid"),
    [
        pytest.param(None, [], True, id="unset"),
        pytest.param("", [], True, id="empty"),
        pytest.param("Development ", [], True, id="blank-after-it"),
        pytest.param("development", [], True, id="development"),
        pytest.param("production", ["RAS", "CMS"], True, id="both"),
        pytest.param("production", ["RAS"], False, id="one"),
        pytest.param("staging", [], False, id="none"),
    ],
)
def test_outside_of_development_the_urls_have_to_be_set(
    monkeypatch: pytest.MonkeyPatch,
    environment: str | None,
    urls: list[str],
    is_valid: bool,  # noqa: FBT001  # a row of the table
    golden: Golden,
) -> None:
    if environment is not None:
        monkeypatch.setenv("ENVIRONMENT", environment)
    for short in urls:
        monkeypatch.setenv(f"BFF_TEACHER_SERVICE_{short}_BASE_URL", "http://there")

    if is_valid:
        assert BackendSettings(internal_api_key=KEY)
    else:
        with pytest.raises(ValidationError) as refused:
            BackendSettings(internal_api_key=KEY)
        golden.check(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("ras.internal", id="no-scheme"),
        pytest.param("ftp://ras.internal", id="another-scheme"),
        pytest.param("http://", id="no-host"),
        pytest.param("http://ras internal", id="blank"),
        pytest.param("http://user:password@ras.internal", id="credentials"),
        pytest.param("http://ras.internal?a=b", id="query"),
        pytest.param("http://ras.internal#top", id="fragment"),
        pytest.param("http://ras.internal:99999", id="port-out-of-range"),
        pytest.param("http://user:password/x", id="a-password-for-a-port"),
        pytest.param("http://[password]x", id="brackets"),
        pytest.param("http://ras.internal:0", id="port-0"),
        pytest.param("http://xn--zz--0:1", id="no-idna"),
        pytest.param("http://256.1.1.1:1", id="no-ipv4"),
        pytest.param("http://127.1:1", id="short-ipv4"),
        pytest.param("http://127.0.0.1.:1", id="ipv4-with-a-dot"),
        pytest.param("http://2130706433", id="ipv4-as-a-number"),
        pytest.param("http://ras.0x7f", id="ipv4-in-hexadecimal"),
        pytest.param("http://[::1]x:1", id="after-ipv6"),
        pytest.param("http://[::1%eth0]:1", id="ipv6-with-a-zone"),
        pytest.param("http://a..b", id="empty-label"),
        pytest.param("http://.ras", id="leading-dot"),
        pytest.param(f"http://{'a' * 64}", id="long-label"),
        pytest.param(f"http://{'a.' * 127}ab", id="long-name"),
        pytest.param("http://-ras", id="leading-hyphen"),
        pytest.param("http://ra%73", id="escaped"),
        pytest.param("http://ra$s", id="odd-character"),
        pytest.param("http://ras\\internal", id="backslash"),
    ],
)
def test_a_base_url_that_is_not_a_plain_origin_is_rejected(url: str, golden: Golden) -> None:
    with pytest.raises(ValidationError) as refused:
        BackendSettings(internal_api_key=KEY, ras_base_url=url)
    (error,) = refused.value.errors()

    assert error["loc"] == ("ras_base_url",)
    assert "password" not in repr(error)
    golden.check(error["msg"])


@pytest.mark.parametrize(
    "url", ["http://[v1.x]:1", "http://[::1", "http://::1:80", "http://ras:x", "http://ras:-1", "http://[]"]
)
def test_a_base_url_that_cannot_be_parsed_is_rejected(url: str) -> None:
    with pytest.raises(ValidationError, match="ras_base_url"):
        BackendSettings(internal_api_key=KEY, ras_base_url=url)


def test_a_base_url_has_a_largest_length() -> None:
    with pytest.raises(ValidationError, match="at most 1024 characters"):
        BackendSettings(internal_api_key=KEY, ras_base_url="http://ras.internal/" + "p" * 1024)


@pytest.mark.parametrize(
    "url",
    [
        "HTTPS://ras",
        "http://ras/X",
        "http://ras:1",
        "http://ras:65535/a/b",
        "http://[::1]:80",
        "http://[2001:db8::1]",
        "http://10.0.0.1:1",
        "http://cms_1.internal.:80",
    ],
)
def test_a_plain_origin_with_or_without_a_path_is_taken(url: str) -> None:
    assert BackendSettings(internal_api_key=KEY, ras_base_url=f"{url}//").ras_base_url == url

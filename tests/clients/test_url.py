"""A URL gets a query that is not parsed, and is the one that httpx would have made of it."""

import httpx
import pytest

from bff_clients import _url

IDS = ",".join(f"26b9045a-e947-5833-ab3e-{number:012d}" for number in range(100))


@pytest.mark.parametrize("is_known", [True, False], ids=["unparsed", "the-public-way"])
@pytest.mark.parametrize(
    ("url", "query"),
    [
        pytest.param("http://ras.test/user/%C3%B6%2Fa", "limit=20&offset=3&status=processing_pipelines", id="page"),
        pytest.param("https://user:pass@[::1]:8443/base/class-info", f"batch_ids={IDS}", id="many-ids"),
        pytest.param("http://cms.test", "", id="empty"),
        pytest.param("http://cms.test/a?old=1", "new=2", id="another-query-before"),
    ],
)
def test_the_url_is_the_one_that_httpx_makes(
    *, url: str, query: str, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_url, "_IS_KNOWN", is_known)
    before, wanted = httpx.URL(url), httpx.URL(f"{url.partition('?')[0]}?{query}")

    made = _url.with_query(before, query)

    assert (made, str(made), made.raw_path, made.query, made.params) == (
        *(wanted, str(wanted), wanted.raw_path, wanted.query, wanted.params),
    )
    assert str(before) == str(httpx.URL(url))


def test_an_httpx_that_keeps_its_parts_elsewhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _url.is_known()

    monkeypatch.delattr(type(httpx.URL("")._uri_reference), "_replace")  # pyright: ignore[reportPrivateUsage]

    assert not _url.is_known()

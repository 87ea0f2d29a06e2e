"""URLs whose query is not parsed: the one private part of httpx that this package uses.

`httpx.URL` takes each character of a URL apart, 225 µs for a query of 100 ids, and has no public way to avoid that. The
queries of this package hold only characters that a URL never escapes, so there is nothing to parse. If a release of
httpx keeps its parts elsewhere, `with_query` uses the public way.
"""

from functools import lru_cache

import httpx


@lru_cache(maxsize=1024)
def parsed(text: str) -> httpx.URL:
    """A URL, parsed once."""
    return httpx.URL(text)


def with_query(url: httpx.URL, query: str) -> httpx.URL:
    """The URL with another query.

    Args:
        url: Stays as it is.
        query: Only characters that are never escaped in a query.
    """
    return _unparsed(url, query) if _IS_KNOWN else url.copy_with(query=query.encode())


def _unparsed(url: httpx.URL, query: str) -> httpx.URL:
    made = httpx.URL(url)
    parts = made._uri_reference  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    made._uri_reference = parts._replace(query=query)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return made


def is_known() -> bool:
    """Whether this httpx keeps the parts of a URL where they are looked for."""
    url, query = httpx.URL("https://host:8443/a%20b?c=d"), "limit=20&ids=1,2"
    try:
        found = _unparsed(url, query)
    except AttributeError:
        return False
    wanted = httpx.URL(f"https://host:8443/a%20b?{query}")
    return (found, found.raw_path, found.netloc, str(url)) == (wanted, wanted.raw_path, wanted.netloc, str(url))


_IS_KNOWN = is_known()

"""Generates contracts of every kind, with requests that match them or differ in one place.

The spelling is that of the specification's versions 2, 3 and 4; the bodies are JSON, forms, XML and text; the rules are
those that pact-python and its sisters offer.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from tests.agreement.bodies import Json, Path, flawed, places, value_at
from tests.agreement.requests import Pairs, Wire

Rules = dict[str, dict[str, Any]]

NAMES: Final = st.sampled_from(["a", "b", "id", "from_date", "x-y", "tags"])
TEXTS: Final = st.sampled_from(
    ["", "x", "7", "-0", "1e3", "2.50", "true", "null", "2024-02-29", "2023-02-29", "08:15", "08:15:30", "25:00",
     "2024-02-29T08:15:30", "2024-02-29 08:15:30", "1.2.3", "1.2", "a,b", "åäö", "Ann Smith", "a+b"]
)  # fmt: skip
SCALARS: Final = st.one_of(
    TEXTS, st.integers(-3, 300), st.sampled_from([0.5, 1.0, -2.25, 1e20, 10**20]), st.booleans(), st.none()
)
JSON: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
_SIMPLE: Final[tuple[dict[str, Any], ...]] = (
    {"match": "type"},
    {"match": "equality"},
    {"match": "integer"},
    {"match": "decimal"},
    {"match": "number"},
    {"match": "boolean"},
    {"match": "null"},
    {"match": "include", "value": "a"},
    {"match": "regex", "regex": r"\d{1,3}"},
    {"match": "regex", "regex": "^[a-z]*$"},
    {"match": "regex", "regex": "[[:alpha:]]+|(?i)TRUE"},
    {"match": "type", "min": 1},
    {"match": "type", "max": 2},
    {"match": "type", "min": 1, "max": 2},
)
_OF_VERSION_3: Final[tuple[dict[str, Any], ...]] = (
    {"match": "date", "date": "yyyy-MM-dd"},
    {"match": "date", "format": "yyyy-MM-dd"},
    {"match": "time", "time": "HH:mm"},
    {"match": "time", "format": "HH:mm:ss"},
    {"match": "timestamp", "timestamp": "yyyy-MM-dd'T'HH:mm:ss"},
    {"match": "datetime", "format": "yyyy-MM-dd HH:mm:ss"},
    {"match": "values"},
)
_OF_VERSION_4: Final[tuple[dict[str, Any], ...]] = (
    {"match": "notEmpty"},
    {"match": "semver"},
    {"match": "eachKey", "rules": [{"match": "regex", "regex": "[a-z_]+"}]},
    {"match": "eachKey", "rules": [{"match": "type"}]},
    {"match": "eachValue", "rules": [{"match": "type"}]},
    {"match": "eachValue", "rules": [{"match": "integer"}]},
    {"match": "eachValue", "rules": [{"match": "regex", "regex": "[a-z]+"}]},
    {"match": "arrayContains", "variants": [{"index": 0, "rules": {"$": {"matchers": [{"match": "type"}]}}}]},
    {"match": "arrayContains", "variants": [{"index": 0, "rules": {}}]},
    {"match": "arrayContains", "variants": [
        {"index": 0, "rules": {"$.id": {"matchers": [{"match": "integer"}]}}},
        {"index": 1, "rules": {"$": {"matchers": [{"match": "type"}]}}},
    ]},
)  # fmt: skip
_VERSIONS: Final = {2: "2.0.0", 3: "3.0.0", 4: "4.0"}
_KNOWN: Final = {2: _SIMPLE, 3: (*_SIMPLE, *_OF_VERSION_3), 4: (*_SIMPLE, *_OF_VERSION_3, *_OF_VERSION_4)}


class Drawn:
    """A contract with one interaction, and how to draw requests for it.

    Args:
        document: The pact file.
        requests: What misses the contract by one thing, or by nothing, and what that is.
    """

    def __init__(self, document: Mapping[str, Any], requests: st.SearchStrategy[tuple[str, Wire]]) -> None:
        self.document = document
        self.requests = requests

    def __repr__(self) -> str:
        return json.dumps(self.document["interactions"][0]["request"], ensure_ascii=False)


@dataclass(frozen=True)
class _Body:
    """A body and its rules as a file spells them, and others to send in its place."""

    content_type: str
    content: Json
    rules: Rules
    others: st.SearchStrategy[tuple[str, bytes]]

    @property
    def sent(self) -> bytes:
        """The example as an HTTP request."""
        is_json = self.content_type.endswith("json")
        return (json.dumps(self.content) if is_json else str(self.content)).encode()


@st.composite
def contracts(draw: st.DrawFn) -> Drawn:
    """A contract of any version, with a body or without."""
    version = draw(st.sampled_from(list(_VERSIONS)))
    body = draw(st.none() | st.one_of([kind(version) for kind in _BODIES]))
    query: dict[str, list[str]] = draw(st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=2), max_size=2))
    headers: dict[str, str] = draw(st.dictionaries(st.sampled_from(["X-A", "X-Date"]), _header_texts(), max_size=2))
    rules: dict[str, Rules] = {
        "query": {name: draw(_rule(version)) for name in query if draw(st.booleans())},
        "header": {name: draw(_rule(version)) for name in headers if draw(st.booleans())},
    }
    request: dict[str, Any] = {"method": "POST", "path": "/things", "query": query, "headers": dict(headers)}
    if body is not None:
        request["headers"]["Content-Type"] = body.content_type
        request["body"] = _spelled_body(version, body)
        rules["body"] = body.rules
    if version == 2:
        request["query"] = "&".join(
            f"{quote_plus(name)}={quote_plus(value)}" for name, values in query.items() for value in values
        )
        request["matchingRules"] = _flat(rules)
    else:
        request["matchingRules"] = {category: known for category, known in rules.items() if known}
        if version == 4:
            request["headers"] = {name: [value] for name, value in request["headers"].items()}
    interaction = {"description": "case", "request": request, "response": {"status": 200}}
    if version == 4:
        interaction["type"] = "Synchronous/HTTP"
    document = {
        "consumer": {"name": "c"},
        "provider": {"name": "p"},
        "interactions": [interaction],
        "metadata": {"pactSpecification": {"version": _VERSIONS[version]}},
    }
    return Drawn(document, _requests(query, headers, body))


def _header_texts() -> st.SearchStrategy[str]:
    return TEXTS.filter(lambda text: bool(text) and text.isascii() and "," not in text)


@st.composite
def _rule(draw: st.DrawFn, version: int, kinds: tuple[dict[str, Any], ...] | None = None) -> dict[str, Any]:
    known = st.sampled_from(kinds or _KNOWN[version])
    if version == 2 or draw(st.booleans()):
        return {"matchers": [draw(known)]}
    return {
        "combine": draw(st.sampled_from(["AND", "OR"])),
        "matchers": draw(st.lists(known, min_size=1, max_size=2)),
    }


def _flat(rules: Mapping[str, Rules]) -> dict[str, Any]:
    """The rules as version 2 spells them: in one map, with the part in front."""
    flat: dict[str, Any] = {}
    for category, known in rules.items():
        part = {"header": "headers"}.get(category, category)
        for name, rule in known.items():
            rest = name.removeprefix("$") if category == "body" else f"['{name}']"
            flat[f"$.{part}{rest}"] = rule["matchers"][0]
    return flat


def _spelled_body(version: int, body: _Body) -> Any:
    if version < 4:
        return body.content
    return {"content": body.content, "contentType": body.content_type, "encoded": False}


@st.composite
def _json_bodies(draw: st.DrawFn, version: int) -> _Body:
    example = draw(st.dictionaries(NAMES, JSON, min_size=1, max_size=3) | st.lists(JSON, min_size=1, max_size=3))
    everywhere: list[Path] = [(), *places(example)]
    chosen = draw(st.lists(st.sampled_from(everywhere), max_size=3, unique=True))
    rules: Rules = {_path_of(draw, path): draw(_rule(version)) for path in chosen}
    kind = draw(st.sampled_from(["application/json", "application/hal+json"]))
    others = st.one_of(
        st.just(("nothing in the body", example)), flawed(example), flawed(example), _two_flaws(example),
        _other_values(example),
    )  # fmt: skip
    return _Body(kind, example, rules, others.map(lambda other: (other[0], json.dumps(other[1]).encode())))


@st.composite
def _two_flaws(draw: st.DrawFn, example: Json) -> tuple[str, Json]:
    first, once = draw(flawed(example))
    second, twice = draw(flawed(once))
    return f"{first}, {second}", twice


@st.composite
def _other_values(draw: st.DrawFn, example: Json) -> tuple[str, Json]:
    """The example with another value in one place."""
    path = draw(st.sampled_from(list(places(example)) or [()]))
    if not path:
        return "another body", draw(JSON)
    changed = json.loads(json.dumps(example))
    value_at(changed, path[:-1])[path[-1]] = draw(JSON)
    return f"another value at {'.'.join(map(str, path))}", changed


def _path_of(draw: st.DrawFn, path: Path) -> str:
    """A place as a rule names it: a list's items by number or all at once, members behind a dot or in brackets."""
    text = "$"
    for step in path:
        if isinstance(step, int):
            text += draw(st.sampled_from([f"[{step}]", "[*]"]))
        elif step.isidentifier():
            text += draw(st.sampled_from([f".{step}", f".{step}", f"['{step}']", ".*"]))
        else:
            text += f"['{step}']"
    return text


@st.composite
def _forms(draw: st.DrawFn, version: int) -> _Body:
    plain = st.sampled_from(["a", "b", "id"])
    pairs: list[tuple[str, str]] = draw(st.lists(st.tuples(plain, TEXTS), min_size=1, max_size=3))
    rules: Rules = {f"$.{name}": draw(_rule(version, _SIMPLE)) for name, _ in pairs if draw(st.booleans())}
    content = "&".join(f"{name}={quote_plus(value)}" for name, value in pairs)
    at = draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[at]

    def sent(*others: tuple[str, str]) -> bytes:
        changed = [*pairs[:at], *others, *pairs[at + 1 :]]
        return "&".join(f"{one}={quote_plus(other)}" for one, other in changed).encode()

    others = st.one_of(
        st.just(("nothing in the form", content.encode())),
        st.just(("percent-encoded", "&".join(f"{one}={quote(other, safe='')}" for one, other in pairs).encode())),
        TEXTS.map(lambda text: ("a value of the form", sent((name, text)))),
        st.just(("a value twice", sent((name, value), (name, value)))),
        st.just(("a value less", sent())),
        st.just(("a value more", sent((name, value), ("more", "1")))),
        st.permutations(pairs).map(
            lambda other: ("another order", "&".join(f"{one}={quote_plus(text)}" for one, text in other).encode())
        ),
    )
    return _Body("application/x-www-form-urlencoded", content, rules, others)


_XML: Final = "<?xml version='1.0'?><a x='{x}'><b>{b}</b><b>{c}</b><d/></a>"
_XML_PATHS: Final = ["$.a", "$.a['@x']", "$.a.b", "$.a.b[0]", "$.a.b['#text']", "$.a.b[*]['#text']", "$.a.d"]


@st.composite
def _xml(draw: st.DrawFn, version: int) -> _Body:
    words = st.sampled_from(["x", "7", "2024-02-29", "y z"])
    x, b, c = draw(words), draw(words), draw(words)
    example = _XML.format(x=x, b=b, c=c)
    kinds = tuple(kind for kind in _SIMPLE if kind["match"] in {"type", "regex", "equality", "integer", "include"})
    paths = draw(st.lists(st.sampled_from(_XML_PATHS), max_size=2, unique=True))
    rules: Rules = {path: draw(_rule(version, kinds)) for path in paths}
    edits = [
        ("nothing in the document", example),
        ("white space", example.replace("><", ">\n  <")),
        ("an element less", example.replace("<d/>", "")),
        ("an element more", example.replace("<d/>", "<d/><e/>")),
        ("one more of a kind", example.replace("<d/>", f"<b>{b}</b><d/>")),
        ("another order", example.replace(f"<b>{b}</b><b>{c}</b><d/>", f"<d/><b>{b}</b><b>{c}</b>")),
        ("an attribute more", example.replace("<d/>", "<d y='1'/>")),
        ("an attribute less", example.replace(f" x='{x}'", "")),
        ("another text", _XML.format(x=x, b=b, c="other")),
        ("another attribute", _XML.format(x="9", b=b, c=c)),
        ("another root", example.replace("<a ", "<z ").replace("</a>", "</z>")),
        ("no document", "<a"),
    ]
    kind = draw(st.sampled_from(["application/xml", "text/xml"]))
    return _Body(kind, example, rules, st.sampled_from(edits).map(lambda edit: (edit[0], edit[1].encode())))


@st.composite
def _texts(draw: st.DrawFn, version: int) -> _Body:
    example = draw(TEXTS.filter(bool))
    rules: Rules = {"$": draw(_rule(version, _SIMPLE))} if draw(st.booleans()) else {}
    others = st.one_of(st.just(example), TEXTS, st.just(f"{example}\n"))
    return _Body("text/plain", example, rules, others.map(lambda text: ("the text", text.encode())))


_BODIES: Final[tuple[Callable[[int], st.SearchStrategy[_Body]], ...]] = (
    _json_bodies,
    _json_bodies,
    _forms,
    _xml,
    _texts,
)


@st.composite
def _requests(
    draw: st.DrawFn, query: Mapping[str, list[str]], headers: Mapping[str, str], body: _Body | None
) -> tuple[str, Wire]:
    """A request with one part drawn again."""
    changed = draw(st.sampled_from(["body", "body", "body", "query", "headers", "type"]))
    about, content = "nothing", b""
    if body is not None:
        about, content = draw(body.others) if changed == "body" else (about, body.sent)
    pairs = [(quote(name), quote(value, safe="")) for name, values in query.items() for value in values]
    lines: list[tuple[str, str]] = list(headers.items())
    kind = body.content_type if body is not None else None
    if changed == "query":
        about, pairs = draw(_changed_pairs(pairs, TEXTS.map(lambda text: quote(text, safe=""))))
    elif changed == "headers":
        about, lines = draw(_changed_pairs(lines, _header_texts()))
    elif changed == "type" and kind is not None:
        about = "the content type"
        kind = draw(
            st.sampled_from([None, kind, f"{kind}; charset=utf-8", kind.upper(), "text/csv", "application/json"])
        )
    sent: Pairs = (*lines, *((("Content-Type", kind),) if kind is not None else ()))
    return about, Wire("POST", "/things", tuple(pairs), sent, content)


@st.composite
def _changed_pairs(
    draw: st.DrawFn, pairs: list[tuple[str, str]], texts: st.SearchStrategy[str]
) -> tuple[str, list[tuple[str, str]]]:
    if not pairs:
        return "one more", [("X-More", "1")]
    at = draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[at]
    others: list[list[tuple[str, str]]] = [
        [],
        [(name, value)] * 2,
        [(name, draw(texts))],
        [(name, value), ("more", "1")],
    ]
    return f"what {name} is", [*pairs[:at], *draw(st.sampled_from(others)), *pairs[at + 1 :]]

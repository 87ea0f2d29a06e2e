"""The requests and contracts of the mock's benchmark."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import bff_contracts
from bff_mock_server import find_scenario

PACTS: Final = Path(bff_contracts.__file__).parent / "pacts"
DISTINCT: Final = 2000
MANY: Final = 20_000
"""More than the mock keeps in mind: each of so many in turn is new to it."""
HEADERS: Final = {
    "X-Internal-API-Key": "INJECTED-AT-VERIFICATION",
    "X-Service-ID": "bff-teacher-service",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "python-httpx/0.28.1",
}


def contract(folder: Path, size: int) -> list[Path]:
    """Write two pacts with so many interactions in all: those that are asked for, and ones that are in their way.

    Half of the others are filters of the page's endpoint, half are endpoints of their own with an id in the path.
    """
    paths: list[Path] = []
    folder.mkdir()
    for file in sorted(PACTS.glob("*.json")):
        pact = json.loads(file.read_text(encoding="utf-8"))
        marked = [one for one in pact["interactions"] if one.get("comments", {}).get("role") == "shape"]
        shape = next(one for one in marked if "query" in one["request"])
        body = shape["response"]["body"]["content"]
        if "batches" in body:
            # The stub serves the example unchanged: a page of 20 for it too.
            body["batches"] = [{**body["batches"][0], "batch_id": str(UUID(int=at))} for at in range(20)]
        pact["interactions"] = [shape, *others(shape, size // 2 - 1)]
        paths.append(folder / file.name)
        paths[-1].write_text(json.dumps(pact), encoding="utf-8")
    return paths


def others(shape: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Interactions that must not match the request."""
    for number in range(count):
        other = json.loads(json.dumps(shape))
        other["description"] = f"other {number}"
        other.pop("comments", None)
        if number % 2:
            other["request"]["query"]["filter"] = [f"value-{number}"]
        else:
            uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
            other["request"]["path"] = f"/internal/v1/things-{number:03}/{UUID(int=number)}"
            rule = {"match": "regex", "regex": f"^/internal/v1/things-{number:03}/{uuid}$"}
            other["request"].setdefault("matchingRules", {})["path"] = {"combine": "AND", "matchers": [rule]}
        yield other


def requests(kind: str) -> list[str]:
    """The targets of 2,000 different requests of one kind: A class-info, B pages, R pages that are refused.

    N is as A, and M as R, with 20,000.
    """
    scenario = find_scenario("default")
    batch_ids, chance = list(scenario.rows.batches), random.Random(1)  # noqa: S311
    if kind in {"A", "N"}:
        return [
            f"/internal/v1/batches/class-info?batch_ids={','.join(chance.sample(batch_ids, 2))}"
            for _ in range(DISTINCT if kind == "A" else MANY)
        ]
    teacher = scenario.teachers[0].user_id
    if kind == "M":
        return [
            f"/internal/v1/batches/user/{teacher}?limit=20&offset={number}&filter=unknown" for number in range(MANY)
        ]
    more = "&filter=unknown" if kind == "R" else ""
    return [f"/internal/v1/batches/user/{teacher}?limit=20&offset={number % 231}{more}" for number in range(DISTINCT)]


def lua(folder: Path, kind: str) -> Path:
    """A wrk script that sends them in turn, each with a correlation id of its own."""
    chance, targets = random.Random(2), requests(kind)  # noqa: S311
    fixed = ",".join(f'["{name}"]="{value}"' for name, value in HEADERS.items())
    lines = [
        f'r[{at}]=wrk.format("GET","{target}",{{{fixed},["X-Correlation-ID"]="{UUID(int=chance.getrandbits(128))}"}})'
        for at, target in enumerate(targets, 1)
    ]
    script = folder / f"{kind}.lua"
    script.write_text(
        f"local r={{}}\nfunction init(args)\n{chr(10).join(lines)}\nend\nlocal n=0\n"
        f"function request() n=n%{len(targets)}+1 return r[n] end\n"
    )
    return script


def plain_contract(folder: Path, size: int) -> list[Path]:
    """The contracts of `contract`, of providers that no simulator knows and without a marked shape."""
    paths = contract(folder, size)
    for path in paths:
        pact = json.loads(path.read_text(encoding="utf-8"))
        pact["provider"]["name"] += "-plain"
        for interaction in pact["interactions"]:
            interaction.pop("comments", None)
        path.write_text(json.dumps(pact), encoding="utf-8")
    return paths


def contract_with_a_body(folder: Path) -> list[Path]:
    """A pact of one POST whose JSON body has rules, and of a GET."""
    folder.mkdir()
    body = {"name": "Svenska 9A", "students": [{"id": 1, "name": "Anna"}]}
    request = {
        "method": "POST",
        "path": "/classes",
        "headers": {"Content-Type": ["application/json"]},
        "body": {"content": body, "contentType": "application/json", "encoded": False},
        "matchingRules": {"body": {"$.students": {"combine": "AND", "matchers": [{"match": "type", "min": 1}]}}},
    }
    pact = {
        "consumer": {"name": "a consumer"},
        "provider": {"name": "a provider"},
        "interactions": [
            {
                "type": "Synchronous/HTTP",
                "description": "a class is made",
                "request": request,
                "response": {"status": 201},
            },
            {
                "type": "Synchronous/HTTP",
                "description": "classes",
                "request": {"method": "GET", "path": "/classes"},
                "response": {
                    "status": 200,
                    "body": {"content": [body], "contentType": "application/json", "encoded": False},
                },
            },
        ],
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    path = folder / "body.json"
    path.write_text(json.dumps(pact), encoding="utf-8")
    return [path]


def lua_with_a_body(folder: Path, *, different: int) -> Path:
    """A wrk script that sends so many different bodies, all of which the contract allows, again and again."""
    script = folder / f"C{different}.lua"
    script.write_text(
        f'local n=0\nfunction request() n=(n+1)%{different} return wrk.format("POST", "/classes",'
        ' {["Content-Type"]="application/json"},'
        ' string.format(\'{"name":"Svenska 9A","students":[{"id":%d,"name":"Bo"}]}\', n)) end\n'
    )
    return script


def lua_beside_a_body(folder: Path) -> Path:
    """A wrk script that sends the GET of such a contract."""
    script = folder / "D.lua"
    script.write_text('function request() return wrk.format("GET", "/classes") end\n')
    return script


def large_world(file: Path, teachers: int, batches: int) -> tuple[Path, str]:
    """Write a scenario with this many teachers and batches for each; return it and the user id of a teacher."""
    ids = [f"teacher-{number}" for number in range(teachers)]
    lines = [f"  - {{name: {one}, user_id: {one}, batches: {batches}}}" for one in ids]
    file.write_text("\n".join(["teachers:", *lines, ""]), encoding="utf-8")
    return file, ids[teachers // 2]

"""Other mock servers with the benchmark's data: WireMock, Prism and Specmatic, where they are installed.

`npm ci --ignore-scripts --prefix benchmarks/peers` installs them at the versions that are pinned there; WireMock and
Specmatic need a Java. Nothing else of this project needs any of it.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bff_contracts.pact.json_path import is_array, is_object

_MODULES: Final = Path(__file__).parent / "peers" / "node_modules"
_WIREMOCK: Final = "wiremock/build/wiremock-standalone-*.jar"
_PRISM: Final = "@stoplight/prism-cli/dist/index.js"
_SPECMATIC: Final = "specmatic/specmatic.jar"

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Peer:
    """Another mock server.

    Attributes:
        name: As it is listed.
        command: Gives the command that serves a folder on a port.
    """

    name: str
    command: Callable[[Path, int], Command]


def installed() -> list[Peer]:
    """Those that can be started here."""
    known = (
        ("WireMock", "java", _WIREMOCK, _wiremock),
        ("Prism", "node", _PRISM, _prism),
        ("Specmatic", "java", _SPECMATIC, _specmatic),
    )
    found: list[Peer] = []
    for name, program, pattern, command in known:
        runs, file = shutil.which(program), next(iter(_MODULES.glob(pattern)), None)
        if runs is not None and file is not None:
            found.append(Peer(name, partial(command, file)))
    return found


def write(folder: Path, pacts: Sequence[Path]) -> None:
    """Write into a folder what each of them reads: WireMock's mappings, and an OpenAPI document for the others."""
    mappings = folder / "mappings"
    mappings.mkdir(parents=True)
    paths: dict[str, Any] = {}
    for file in pacts:
        shape = json.loads(file.read_text(encoding="utf-8"))["interactions"][0]
        request, body = shape["request"], shape["response"]["body"]["content"]
        (mappings / file.name).write_text(json.dumps(_mapping(request, body)), encoding="utf-8")
        paths |= _operation(request, body)
    document = {"openapi": "3.0.3", "info": {"title": "benchmark", "version": "1"}, "paths": paths}
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")


def _has_id(request: Any) -> bool:
    return "path" in request.get("matchingRules", {})


def _mapping(request: Any, body: Any) -> dict[str, Any]:
    parent, _, last = request["path"].rpartition("/")
    return {
        "request": {
            "method": "GET",
            "urlPathPattern": f"{parent}/{'[^/]+' if _has_id(request) else last}",
            "queryParameters": {name: {"matches": "[0-9a-f,-]+"} for name in request["query"]},
            "headers": {name: {"matches": ".+"} for name in request["headers"]},
        },
        "response": {"status": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)},
    }


def _operation(request: Any, body: Any) -> dict[str, Any]:
    parent, _, last = request["path"].rpartition("/")
    text = {"required": True, "schema": {"type": "string"}}
    parameters: list[dict[str, Any]] = [{"name": name, "in": "query", **text} for name in request["query"]]
    parameters += [{"name": name, "in": "header", **text} for name in request["headers"] if name.lower() != "accept"]
    if _has_id(request):
        parameters.append({"name": "id", "in": "path", **text})
    content = {"application/json": {"schema": _schema(body), "example": body}}
    answer = {"200": {"description": "what was asked for", "content": content}}
    path = f"{parent}/{'{id}' if _has_id(request) else last}"
    return {path: {"get": {"parameters": parameters, "responses": answer}}}


def _schema(value: Any) -> dict[str, Any]:
    """What Specmatic makes answers of: values of these types, and as many."""
    if is_object(value):
        members = {name: _schema(member) for name, member in value.items()}
        return {"type": "object", "required": list(members), "properties": members}
    if is_array(value):
        bounds = {"minItems": len(value), "maxItems": len(value)}
        return {"type": "array", "items": _schema(value[0]) if value else {}, **bounds}
    if isinstance(value, int | float):
        return {"type": "number"}
    return {"type": "string", "nullable": value is None}


def _wiremock(jar: Path, folder: Path, port: int) -> Command:
    quiet = ("--no-request-journal", "--disable-banner", "--async-response-enabled", "false")
    return ["java", "-jar", jar, "--root-dir", folder, "--port", str(port), "--bind-address", "127.0.0.1", *quiet]


def _prism(script: Path, folder: Path, port: int) -> Command:
    quiet = ("--verboseLevel", "silent")
    return ["node", script, "mock", folder / "openapi.json", "-h", "127.0.0.1", "-p", str(port), *quiet]


def _specmatic(jar: Path, folder: Path, port: int) -> Command:
    return ["java", "-jar", jar, "stub", folder / "openapi.json", "--host", "127.0.0.1", "--port", str(port)]

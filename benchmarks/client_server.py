"""What the clients are measured against: nginx, which is not the bottleneck, and the answers that it gives."""

import json
import shutil
import socket
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from bff_mock_server import a_batch

FULL: Final = "full"
LEAN: Final = "lean"
SLOW: Final = "slow"
"""A lean page that takes a second, so that those who ask at the same time need a connection each."""

USERS: Final[Mapping[str, str]] = {name: str(uuid5(NAMESPACE_URL, name)) for name in (FULL, LEAN, SLOW)}
"""Whose page is which: nginx chooses the answer by the path."""

ROWS: Final = 20
ESSAYS: Final = 32
CHUNK: Final = 100

_CONFIGURATION: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    default_type application/json;
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    large_client_header_buffers 8 32k;
    tcp_nodelay on;
    open_file_cache max=1000;
    # Which chunk is asked for: its first id, and whether it is a long one. Commas may come escaped.
    map $arg_batch_ids $first {{ "~^(?<id>[0-9a-f-]+)" $id; }}
    map $arg_batch_ids $size {{ default 20; "~^.{{1000}}" 100; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/answers;
        location = /internal/v1/batches/user/{slow} {{ limit_rate 12k; }}
        location = /internal/v1/batches/class-info {{ try_files /classes/$first-$size =404; }}
    }}
}}
"""


@dataclass(frozen=True)
class Server:
    """Where it is, and the ids it knows classes of."""

    url: str
    batch_ids: tuple[str, ...]


@contextmanager
def serving(folder: Path) -> Generator[Server]:
    """Run nginx on a free port of 127.0.0.1.

    Raises:
        SystemExit: It is not installed.
    """
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise SystemExit("nginx is missing: apt-get install nginx-light")
    batch_ids = tuple(str(uuid5(NAMESPACE_URL, f"batch {number}")) for number in range(1000))
    _write_answers(folder / "answers", batch_ids)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "nginx.conf").write_text(
        _CONFIGURATION.format(folder=folder, port=port, slow=USERS[SLOW]), encoding="utf-8"
    )
    with subprocess.Popen([program, "-c", folder / "nginx.conf", "-p", folder], stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port, process)
            yield Server(f"http://127.0.0.1:{port}", batch_ids)
        finally:
            process.terminate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise SystemExit("nginx did not start")


def _write_answers(folder: Path, batch_ids: tuple[str, ...]) -> None:
    pages = folder / "internal" / "v1" / "batches" / "user"
    pages.mkdir(parents=True)
    for name, user in USERS.items():
        (pages / user).write_text(_page(user, essays=ESSAYS if name == FULL else 0), encoding="utf-8")
    classes = folder / "classes"
    classes.mkdir()
    entry = {"class_id": str(uuid5(NAMESPACE_URL, "class")), "class_name": "Svenska 1 – SA24B"}
    for size in (20, CHUNK):
        for start in range(0, len(batch_ids), size):
            chunk = batch_ids[start : start + size]
            if size == CHUNK or start == 0:
                body = json.dumps(dict.fromkeys(chunk, entry))
                (classes / f"{chunk[0]}-{size}").write_text(body, encoding="utf-8")


def _page(user: str, *, essays: int) -> str:
    essay: dict[str, Any] = {
        "essay_id": str(uuid5(NAMESPACE_URL, "essay")),
        "filename": "uppsats_öhman.docx",
        "file_upload_id": str(uuid5(NAMESPACE_URL, "upload")),
        "spellcheck_status": "completed",
        "spellcheck_correction_count": 7,
        "spellcheck_corrected_text_storage_id": "9ecd25f1ba2052d9a21dfa8f39d92140",
        "spellcheck_error_detail": None,
        "cj_assessment_status": "completed",
        "cj_rank": 1,
        "cj_score": 0.87,
        "cj_assessment_error_detail": None,
        "last_updated": "2026-01-31T09:10:00",
    }
    rows: list[dict[str, Any]] = []
    for number in range(ROWS):
        row = a_batch(number)
        shown = {name: value for name, value in row.items() if name != "internal_status"}
        shown |= {"user_id": user, "overall_status": "completed_successfully", "current_phase": None}
        rows.append(shown | {"essays": [essay] * essays})
    return json.dumps({"batches": rows, "pagination": {"limit": ROWS, "offset": 0, "total": ROWS}}, ensure_ascii=False)

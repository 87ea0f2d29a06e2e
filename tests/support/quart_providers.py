"""RAS and CMS as Quart applications like the real ones, with an optional mistake."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from quart import Quart, Response, request

from tests.support.platform import BATCH, TEACHER, recorded

Json = dict[str, Any]
KEY = "the-real-key"
NAMES: list[Json] = [
    {
        "essay_id": f"5b1d2f0e-6c1f-5a39-9d0e-{number:012d}",
        "student_id": f"6b1d2f0e-6c1f-5a39-9d0e-{student:012d}",
        "student_person_name": {"first_name": first, "last_name": last, "legal_full_name": full},
    }
    for number, (student, first, last, full) in enumerate(
        [
            (1, "Ingeborg", 'O"Leary', 'Ingeborg O"Leary'),
            (1, "Ingeborg", 'O"Leary', 'Ingeborg O"Leary'),
            (2, "Tor", "", None),
        ]
    )
]
"""The real CMS's names of `BATCH`, which must never be shown."""

PERSONS = ("Ingeborg", "Leary", "Tor")
"""Parts of these names."""


@dataclass
class Mistake:
    """The mistake in an answer; none by default."""

    body: Callable[[Any], object] = lambda _: None
    status: int | None = None
    content_type: str = "application/json"
    text: str | None = None


@dataclass
class Providers:
    """Both applications, over the rows that were recorded from the real ones."""

    mistake: Mistake = field(default_factory=Mistake)
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def __post_init__(self) -> None:
        page = json.loads(recorded("ras_user_batches_all_statuses").body)
        self.rows: list[Json] = page["batches"]
        self.ras = Quart("ras")
        self.ras.add_url_rule("/internal/v1/batches/user/<user_id>", view_func=self._page)
        self.ras.add_url_rule("/internal/v1/batches/<batch_id>/status", view_func=self._one)
        self.ras.add_url_rule("/healthz", view_func=self._health)
        self.ras.add_url_rule("/_pact/provider_states", view_func=self._states, methods=["POST"])
        self.cms = Quart("cms")
        self.cms.add_url_rule("/internal/v1/batches/class-info", view_func=self._classes)
        self.cms.add_url_rule("/internal/v1/batches/<batch_id>/student-names", view_func=self._names)
        self.cms.add_url_rule("/healthz", view_func=self._health)
        self.states: list[Json] = []

    async def _page(self, user_id: str) -> Response:
        if (refusal := self._refusal()) is not None:
            return refusal
        limit, offset = int(request.args.get("limit", "20")), int(request.args.get("offset", "0"))
        rows = [row for row in self.rows if row["user_id"] == user_id]
        pagination = {"limit": limit, "offset": offset, "total": len(rows)}
        return self._answer({"batches": rows[offset : offset + limit], "pagination": pagination})

    async def _one(self, batch_id: str) -> Response:
        if (refusal := self._refusal()) is not None:
            return refusal
        found = next((row for row in self.rows if row["batch_id"] == batch_id), None)
        return self._answer({"error": "Batch not found"}, 404) if found is None else self._answer(found)

    async def _classes(self) -> Response:
        if (refusal := self._refusal()) is not None:
            return refusal
        known = json.loads(recorded("cms_class_info_two_known").body)
        ids = request.args["batch_ids"].split(",")
        return self._answer({batch_id: known.get(batch_id) for batch_id in ids})

    async def _names(self, batch_id: str) -> Response:
        if (refusal := self._refusal()) is not None:
            return refusal
        return self._answer(NAMES if batch_id == BATCH else [])

    async def _health(self) -> Response:
        return Response(b'{"status":"ok"}', content_type="application/json")

    async def _states(self) -> Response:
        self.states.append(await request.get_json())
        return Response(b"{}", content_type="application/json")

    def _refusal(self) -> Response | None:
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        if request.headers.get("X-Internal-API-Key") == KEY:
            return None
        return self._answer({"error": "Invalid credentials"}, 401)

    def _answer(self, document: Any, status: int = 200) -> Response:
        document = json.loads(json.dumps(document))
        self.mistake.body(document)
        text = self.mistake.text if self.mistake.text is not None else json.dumps(document)
        return Response(text.encode(), self.mistake.status or status, content_type=self.mistake.content_type)


def first(name: str, value: object) -> Callable[[Json], object]:
    """Change a field of the first batch of a page."""
    return lambda page: page["batches"][0].update({name: value})


PAGE = f"/internal/v1/batches/user/{TEACHER}?limit=20&offset=0"

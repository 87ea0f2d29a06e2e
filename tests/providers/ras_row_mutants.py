"""Broken copies of RAS: wrong rows, wrong order, wrong owner."""

from typing import Final

from tests.providers.breaking import ras

_ORDER: Final = " ORDER BY created_at DESC"
_PAGE: Final = "SELECT * FROM batches WHERE {where} ORDER BY created_at DESC LIMIT :limit OFFSET :offset"
_MINE: Final = '"user_id = :user_id"'
_READ: Final = "repository.page(user_id, status, limit, offset)"
_KEY: Final = 'request.headers.get("X-Internal-API-Key")'
_ALLOWED: Final = "service not in settings.services"
_BATCHES: Final = 'batches = [batch_answer(row, repository.essays(row["batch_id"])) for row in rows]'
_FIND: Final = "SELECT * FROM batches WHERE batch_id"
_GLOBAL: Final = 'PHASES = ("spellcheck", "cj_assessment")'

ROW_MUTANTS: Final = (
    # In what order
    *(
        ras(f"list: {name}", (_ORDER, f" ORDER BY {order}"))
        for name, order in (
            ("newest day first, in no order within a day", "substr(created_at, 1, 10) DESC"),
            ("newest minute first, in no order within a minute", "substr(created_at, 1, 16) DESC"),
            ("newest second first, in no order within a second", "substr(created_at, 1, 19) DESC"),
            ("newest millisecond first, in no order within a millisecond", "substr(created_at, 1, 23) DESC"),
            ("latest time of the day first", "substr(created_at, 12) DESC"),
            ("by `batch_id`", "batch_id"),
            ("by `batch_id`, descending", "batch_id DESC"),
            ("by `assignment_id`", "assignment_id"),
            ("by `assignment_id`, descending", "assignment_id DESC"),
            ("most essays first", "essay_count DESC"),
            ("fewest essays first", "essay_count"),
            ("last stored first", "rowid DESC"),
            ("longest untouched first", "last_updated"),
            ("those that run first", "internal_status = 'processing_pipelines' DESC, created_at DESC"),
            ("later pages by `batch_id`", "{'batch_id' if offset else 'created_at DESC'}"),
            ("later pages by `batch_id`, descending", "{'batch_id' if offset else 'created_at'} DESC"),
            ("filtered rows by `batch_id`", "{'batch_id' if status else 'created_at DESC'}"),
            ("filtered rows oldest first", "created_at {'' if status else 'DESC'}"),
        )
    ),
    # Pages
    ras(
        "list: `offset` applied before the filter",
        (
            _PAGE,
            "SELECT * FROM (SELECT * FROM batches WHERE user_id = :user_id ORDER BY created_at DESC LIMIT -1 OFFSET :offset) WHERE {where} ORDER BY created_at DESC LIMIT :limit",
        ),
    ),
    ras(
        "list: the filter applied to the page",
        (
            _PAGE,
            "SELECT * FROM (SELECT * FROM batches WHERE user_id = :user_id ORDER BY created_at DESC LIMIT :limit OFFSET :offset) WHERE {where} ORDER BY created_at DESC",
        ),
    ),
    ras("list: the filter ignored on later pages", ("if status is not None:", "if status is not None and not offset:")),
    ras("list: `offset` ignored with a filter", (" OFFSET :offset", " OFFSET {'0' if status else ':offset'}")),
    ras("list: a row too many", (" LIMIT :limit", " LIMIT :limit + 1")),
    ras("list: a row too few on a full page", (" LIMIT :limit", " LIMIT max(:limit - 1, 1)")),
    ras("list: `offset` counted from 1", (" OFFSET :offset", " OFFSET max(:offset - 1, 0)")),
    ras(
        "list: the last page has no rows",
        ("return list(rows), total", "return list(rows)[: total - offset - 1], total"),
    ),
    ras("list: the last page is filled up", (" OFFSET :offset", " OFFSET max(0, min(:offset, {total} - :limit))")),
    ras("list: `total` counts as far as the page", ('"total": total}', '"total": offset + len(batches)}')),
    ras("list: `total` counts what is left from `offset` on", ('"total": total}', '"total": max(total - offset, 0)}')),
    ras("list: `total` counts pages", ('"total": total}', '"total": -(-total // limit)}')),
    ras("list: `offset` not echoed", ('"offset": offset, "total"', '"offset": 0, "total"')),
    ras("list: `limit` capped at 10, silently", (" LIMIT :limit", " LIMIT min(:limit, 10)")),
    ras(
        "list: `limit` capped at 50, silently",
        (" LIMIT :limit", " LIMIT min(:limit, 50)"),
        harmless="a client that reads on starts where the page ended, by its `total`",
    ),
    ras("list: a `limit` above 50 is an error", ("or limit < 0", "or limit < 0 or limit > 50")),
    # Which rows
    ras(
        "list: all rows when none is in the status",
        (
            "return list(rows), total",
            "return (list(rows), total) if total or not status else self.page(user_id, None, limit, offset)",
        ),
    ),
    ras(
        "list: a status without rows is a 404",
        (_BATCHES, f'if status and not total:\n            return {{"error": "None"}}, 404\n        {_BATCHES}'),
    ),
    ras(
        "list: a row for each essay",
        (_PAGE, _PAGE.replace("* FROM batches", "batches.* FROM batches LEFT JOIN essays USING (batch_id)")),
    ),
    ras(
        "list: batches without essays left out",
        ("{where} ORDER", "{where} AND batch_id IN (SELECT batch_id FROM essays) ORDER"),
    ),
    ras("list: cancelled batches left out", ("{where} ORDER", "{where} AND internal_status != 'cancelled' ORDER")),
    ras(
        "list: batches without an assignment left out", ("{where} ORDER", "{where} AND assignment_id IS NOT NULL ORDER")
    ),
    ras("list: this year's batches alone", ("{where} ORDER", "{where} AND created_at >= '2026' ORDER")),
    ras("status: the newest batch, whichever is asked for", (f"{_FIND} = ?", f"{_FIND} != ?{_ORDER}")),
    ras("status: ids compared by their first characters", (f"{_FIND} = ?", f"{_FIND} LIKE substr(?, 1, 35) || '%'")),
    ras(
        "status: a batch that ended is not found", (f"{_FIND} = ?", f"{_FIND} = ? AND processing_completed_at IS NULL")
    ),
    # Whose
    *(
        ras(f"list: user ids {name}", (_MINE, f'"{condition}"'))
        for name, condition in (
            ("compared in any case", "lower(user_id) = lower(:user_id)"),
            ("taken for patterns", "user_id LIKE :user_id"),
            ("taken for patterns of a shell", "user_id GLOB replace(:user_id, '_', '?')"),
            ("compared by their beginnings", "user_id LIKE :user_id || '%'"),
            ("cut to 12 characters", "substr(user_id, 1, 12) = substr(:user_id, 1, 12)"),
        )
    ),
    *(
        ras(f"list: user ids {name}", ('"user_id": user_id,', f'"user_id": {value},'))
        for name, value in (
            ("in lower case", "user_id.lower()"),
            ("with a blank for a plus", 'user_id.replace("+", " ")'),
            ("in normal form D", '__import__("unicodedata").normalize("NFD", user_id)'),
            ("unescaped twice", '__import__("urllib.parse").parse.unquote(user_id + "%25")[:-1]'),
            ("as UUIDs only", 'str(__import__("uuid").UUID(user_id))'),
        )
    ),
    ras(
        "list: everybody's rows for a user without any",
        (_READ, f"{_READ} if repository.page(user_id, None, 1, 0)[1] else ([], 1)"),
    ),
    # What was answered before
    *(
        ras(
            f"list: cached by {name}",
            (_GLOBAL, f"{_GLOBAL}\nSEEN: dict[Any, Any] = {{}}"),
            (_READ, f"SEEN.setdefault({key}, {_READ})"),
            harmless=harmless,
        )
        for name, key, harmless in (
            ("user alone", "user_id", ""),
            ("user and status", "(user_id, status)", ""),
            ("user and page", "(user_id, limit, offset)", ""),
            ("page alone", "(limit, offset, status)", ""),
            (
                "user, page and status",
                "(user_id, limit, offset, status)",
                "no interaction asks the same about other rows",
            ),
        )
    ),
    # Who may ask
    ras(
        "a missing service id accepted",
        ("if not key or not service:", "if not key:"),
        (_ALLOWED, f"(service and {_ALLOWED})"),
    ),
    *(
        ras(f"the key taken from {name} too", (_KEY, f"{_KEY} or {other}"))
        for name, other in (
            ("`X-API-Key`", 'request.headers.get("X-API-Key")'),
            ("`Authorization`", 'request.headers.get("Authorization", "")[7:]'),
            ("a cookie", 'request.cookies.get("api_key")'),
            ("`X-Service-Key`", 'request.headers.get("X-Service-Key")'),
        )
    ),
    ras("service ids compared in any case", (_ALLOWED, "service.lower() not in settings.services")),
    ras("service ids with underscores accepted", (_ALLOWED, 'service.replace("_", "-") not in settings.services')),
    ras(
        "the beginning of a service id accepted",
        (_ALLOWED, "not any(known.startswith(service) for known in settings.services)"),
    ),
    ras(
        "the beginning of a key accepted",
        ("key != settings.api_key", "not settings.api_key.startswith(key)"),
        harmless="the BFF sends the whole key; who else may ask is the provider's own affair",
    ),
)

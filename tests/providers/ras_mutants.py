"""Broken copies of RAS: what each gets wrong, and whether the BFF would notice."""

from typing import Final

from tests.providers.breaking import SOME_EXTRA, ras

_STATUS_LINE: Final = '"overall_status": CLIENT_STATUS[row["internal_status"]],'
_ORDER: Final = " ORDER BY created_at DESC"


RAS_MUTANTS: Final = (
    # The form of an answer
    ras(
        "batch: `overall_status` renamed to `status`", (_STATUS_LINE, _STATUS_LINE.replace("overall_status", "status"))
    ),
    ras("batch: `assignment_id` left out", ('        "assignment_id": row["assignment_id"],\n', "")),
    ras(
        "batch: `assignment_id` left out when it is null",
        ('    return {\n        "batch_id"', '    answer = {\n        "batch_id"'),
        (
            '"student_prompt_ref": document(row["student_prompt_ref"]),\n    }',
            (
                '"student_prompt_ref": document(row["student_prompt_ref"]),\n    }\n'
                '    return {k: v for k, v in answer.items() if k != "assignment_id" or v is not None}'
            ),
        ),
    ),
    ras("batch: `created_at` null", ('"created_at": moment(row["created_at"])', '"created_at": None')),
    ras("batch: `user_id` left out", ('        "user_id": row["user_id"],\n', "")),
    ras("batch: `essay_count` null", ('"essay_count": row["essay_count"]', '"essay_count": None')),
    ras(
        "batch: `essay_count` a string", ('"essay_count": row["essay_count"]', '"essay_count": str(row["essay_count"])')
    ),
    ras(
        "batch: `essay_count` a float",
        ('"essay_count": row["essay_count"]', '"essay_count": float(row["essay_count"])'),
    ),
    ras(
        "batch: counts of completed and failed essays swapped",
        ('row["completed_essay_count"]', 'row["failed"]'),
        ('row["failed_essay_count"]', 'row["completed_essay_count"]'),
        ('row["failed"]', 'row["failed_essay_count"]'),
    ),
    ras("batch: `assignment_id` null always", ('"assignment_id": row["assignment_id"]', '"assignment_id": None')),
    ras(
        "batch: `requested_pipeline` a list",
        (
            '"requested_pipeline": row["requested_pipeline"]',
            '"requested_pipeline": (row["requested_pipeline"] or "").split(",")',
        ),
    ),
    ras(
        "batch: an empty `requested_pipeline` instead of null",
        ('"requested_pipeline": row["requested_pipeline"]', '"requested_pipeline": row["requested_pipeline"] or ""'),
    ),
    ras("batch: `batch_id` in upper case", ('"batch_id": row["batch_id"]', '"batch_id": row["batch_id"].upper()')),
    ras("batch: `student_prompt_ref` as text", ("document(row[", "str(row[")),
    ras(
        "batch: a field more",
        ('        "essays": [', '        "colour": "red",\n        "essays": ['),
        harmless=SOME_EXTRA,
    ),
    ras("status: no `essays`", ('        "essays": [essay_answer(essay) for essay in essays],\n', "")),
    ras(
        "status: `essays` in reverse order",
        (" ORDER BY position", " ORDER BY position DESC"),
        harmless="RAS promises no order of them",
    ),
    ras("status: essays of all batches", (" WHERE batch_id = ? ORDER BY position", " WHERE ? != '' ORDER BY position")),
    ras("essay: `filename` left out", ('        "filename": essay["filename"],\n', "")),
    ras(
        "essay: a missing `filename` as empty text",
        ('"filename": essay["filename"]', '"filename": essay["filename"] or ""'),
    ),
    ras(
        "essay: `cj_rank` a string",
        ('"cj_rank": essay["cj_rank"]', '"cj_rank": essay["cj_rank"] and str(essay["cj_rank"])'),
    ),
    ras(
        "essay: `cj_rank` from 0",
        ('"cj_rank": essay["cj_rank"]', '"cj_rank": essay["cj_rank"] and essay["cj_rank"] - 1'),
    ),
    ras(
        "essay: `cj_score` in per cent",
        ('"cj_score": essay["cj_score"]', '"cj_score": essay["cj_score"] and essay["cj_score"] * 100'),
    ),
    ras(
        "essay: an unset `spellcheck_status` as `pending`",
        (
            '"spellcheck_status": essay["spellcheck_status"]',
            '"spellcheck_status": essay["spellcheck_status"] or "pending"',
        ),
    ),
    ras(
        "essay: no `spellcheck_correction_count` before the spellcheck counts as 0",
        (
            '"spellcheck_correction_count": essay["spellcheck_correction_count"]',
            '"spellcheck_correction_count": essay["spellcheck_correction_count"] or 0',
        ),
    ),
    ras("essay: error details dropped", ('document(essay["cj_assessment_error_detail"])', "None")),
    # Vocabularies
    ras("batch: the internal status in the answer", (_STATUS_LINE, '"overall_status": row["internal_status"],')),
    ras("batch: status in upper case", (_STATUS_LINE, _STATUS_LINE.replace("],", "].upper(),"))),
    ras(
        "status map: waiting for content shown as `processing`",
        ('"awaiting_content_validation": "pending_content"', '"awaiting_content_validation": "processing"'),
    ),
    ras(
        "status map: a timeout of the validation shown as `failed`",
        ('"validation_timeout_processed": "processing"', '"validation_timeout_processed": "failed"'),
    ),
    ras(
        "status map: failed content shown as `completed_with_failures`",
        ('"content_ingestion_failed": "failed"', '"content_ingestion_failed": "completed_with_failures"'),
    ),
    ras("phase: given for every status", ('row["internal_status"] != "processing_pipelines"', "False")),
    ras("phase: the last unfinished one", ("for phase in PHASES:", "for phase in reversed(PHASES):")),
    ras(
        "phase: a failed essay counts as unfinished",
        ('FINISHED = {"completed", "failed", "cancelled"}', 'FINISHED = {"completed"}'),
    ),
    ras(
        "phase: the last one when every essay is finished",
        (
            "            return phase\n    return None",
            "            return phase\n    return PHASES[-1] if essays else None",
        ),
    ),
    ras(
        "phase: called `spelling`",
        ("            return phase\n", '            return phase.replace("spellcheck", "spelling")\n'),
    ),
    # Date-times
    ras(
        "date-times: a blank for the `T`", ("fromisoformat(stored).isoformat()", 'fromisoformat(stored).isoformat(" ")')
    ),
    ras("date-times: seconds since 1970", ("fromisoformat(stored).isoformat()", "fromisoformat(stored).timestamp()")),
    ras(
        "date-times: an hour late (local time)",
        (
            "fromisoformat(stored).isoformat()",
            "fromisoformat(stored).replace(hour=datetime.fromisoformat(stored).hour + 1).isoformat()",
        ),
    ),
    ras(
        "date-times: RFC 1123, as Quart writes them by itself",
        ("fromisoformat(stored).isoformat()", 'fromisoformat(stored).strftime("%a, %d %b %Y %H:%M:%S GMT")'),
    ),
    ras(
        "date-times: cut to seconds",
        ("fromisoformat(stored).isoformat()", 'fromisoformat(stored).isoformat(timespec="seconds")'),
        harmless="a form that the models read, less than a second off",
    ),
    ras(
        "date-times: with `Z`",
        ("fromisoformat(stored).isoformat()", 'fromisoformat(stored).isoformat() + "Z"'),
        harmless="naive means UTC, and so does `Z`",
    ),
    ras(
        "date-times: in milliseconds",
        ("fromisoformat(stored).isoformat()", 'fromisoformat(stored).isoformat(timespec="milliseconds")'),
        harmless="the same moment",
    ),
    # Rows
    ras("list: unsorted", (_ORDER, "")),
    ras("list: oldest first", (_ORDER, " ORDER BY created_at")),
    ras("list: newest by `last_updated`", (_ORDER, " ORDER BY last_updated DESC")),
    ras("list: `limit` ignored", (" LIMIT :limit", " LIMIT 100")),
    ras("list: `offset` ignored", (" OFFSET :offset", "")),
    ras(
        "list: `offset` counts pages",
        ('request.args.get("offset", 0, int)', 'request.args.get("offset", 0, int) * limit'),
    ),
    ras("list: filter ignored", (' += " AND internal_status = :status"', ' += ""')),
    ras(
        "list: filter compares the shown status",
        (" AND internal_status = :status", " AND internal_status LIKE substr(:status, 1, 5) || '%'"),
    ),
    ras("list: `total` counts the page", ('"total": total}', '"total": len(batches)}')),
    ras(
        "list: `total` counts all rows of the user, whatever the filter",
        ('batches WHERE {where}", values).fetchone', 'batches WHERE user_id = :user_id", values).fetchone'),
    ),
    ras("list: `limit` not echoed", ('{"limit": limit,', '{"limit": 20,')),
    ras(
        "list: `pagination` missing",
        (
            '{"batches": batches, "pagination": {"limit": limit, "offset": offset, "total": total}}',
            '{"batches": batches}',
        ),
    ),
    ras(
        "list: rows without the envelope",
        (
            'return {"batches": batches, "pagination": {"limit": limit, "offset": offset, "total": total}}',
            "return batches",
        ),
    ),
    ras(
        "list: other users' batches too", ('where, values = "user_id = :user_id"', "where, values = \"user_id != ''\"")
    ),
    ras(
        "list: an unknown user is a 404",
        (
            "        batches = [batch_answer",
            '        if not total:\n            return {"error": "User not found"}, 404\n        batches = [batch_answer',
        ),
    ),
    ras(
        "list: past the end is a 404",
        (
            "        batches = [batch_answer",
            '        if total and not rows:\n            return {"error": "No such page"}, 404\n        batches = [batch_answer',
        ),
    ),
    ras(
        "list: `limit` capped at 10",
        ('request.args.get("limit", 20, int)', 'min(10, request.args.get("limit", 20, int))'),
    ),
    ras("list: `total` a string", ('"total": total}', '"total": str(total)}')),
    ras("list: 201 instead of 200", ('"total": total}}', '"total": total}}, 201')),
    ras(
        "list: moved, the old path redirects",
        (
            '    @app.get("/internal/v1/batches/user/<user_id>")\n',
            '    @app.get("/internal/v1/batches/user/<user_id>")\n    async def moved(user_id: str) -> Any:\n        return "", 307, {"Location": request.url.replace("/v1/", "/v2/")}\n\n    @app.get("/internal/v2/batches/user/<user_id>")\n',
        ),
    ),
    ras(
        "list: no `essays`",
        (
            '        batches = [batch_answer(row, repository.essays(row["batch_id"])) for row in rows]\n',
            '        batches = [batch_answer(row, repository.essays(row["batch_id"])) for row in rows]\n        batches = [{k: v for k, v in batch.items() if k != "essays"} for batch in batches]\n',
        ),
        harmless="the BFF reads essays in a status alone",
    ),
    ras(
        "status: the batch in an envelope",
        (
            "return batch_answer(row, repository.essays(batch_id))",
            'return {"batch": batch_answer(row, repository.essays(batch_id))}',
        ),
    ),
    ras("status: an unknown batch is an empty 200", ('return {"error": "Batch not found"}, 404', "return {}, 200")),
    ras(
        "status: an unknown batch has another error body",
        ('{"error": "Batch not found"}', '{"detail": "Batch not found"}'),
    ),
    ras(
        "status: an unknown batch is HTML",
        ('return {"error": "Batch not found"}, 404', 'return "<h1>Not Found</h1>", 404'),
    ),
    # Who may ask
    ras(
        "401 becomes 403",
        ('return {"error": "Invalid credentials"}, 401', 'return {"error": "Invalid credentials"}, 403'),
    ),
    ras("a missing key is called invalid", ('"Missing authentication"', '"Invalid credentials"')),
    ras(
        "errors in the platform's envelope",
        ('{"error": "Invalid credentials"}', '{"error": {"code": "AUTHENTICATION_ERROR"}}'),
    ),
    ras(
        "requests without a key let through",
        ("if not key or not service:", "if not service:"),
        ("key != settings.api_key or", "(key and key != settings.api_key) or"),
    ),
    ras("any key accepted", ("key != settings.api_key or ", "")),
    ras(
        "any service id accepted",
        ("key != settings.api_key or service not in settings.services", "key != settings.api_key"),
    ),
    ras(
        "the status is open to all",
        (
            'if not request.path.startswith("/internal/"):',
            'if not request.path.startswith("/internal/v1/batches/user"):',
        ),
    ),
    ras("health wants a key", ('if not request.path.startswith("/internal/"):', "if False:")),
    ras(
        "health: another body",
        ('"status": "healthy"', '"state": "fine"'),
        harmless="the BFF reads the status code alone",
    ),
    # Faults
    ras(
        "the list always answers 500",
        ("        limit, offset = request", "        raise RuntimeError\n        limit, offset = request"),
    ),
    ras("no binding for the repository", ("    @provide\n    def batches(", "    def batches(")),
    ras(
        "JSON as `text/html`",
        (
            'return {"batches": batches, "pagination": {"limit": limit, "offset": offset, "total": total}}',
            'return json.dumps({"batches": batches, "pagination": {"limit": limit, "offset": offset, "total": total}})',
        ),
    ),
    ras("another path", ("/internal/v1/batches/user/<user_id>", "/internal/v2/batches/user/<user_id>")),
)

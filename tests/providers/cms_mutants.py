"""Broken copies of CMS: what each gets wrong, and whether the BFF would notice."""

from typing import Final

from tests.providers.breaking import SOME_EXTRA, cms

_NAME: Final = '"class_name": found[1]'
_BY_ID: Final = " USING (class_id) WHERE batch_id = ?"
_KEY: Final = 'request.headers.get("X-Internal-API-Key")'

CMS_MUTANTS: Final = (
    cms("class: `class_name` renamed to `name`", ('"class_name": found[1]', '"name": found[1]')),
    cms("class: `class_name` left out", (', "class_name": found[1]', "")),
    cms("class: `class_name` null", ('"class_name": found[1]', '"class_name": None')),
    cms(
        "class: a name in ASCII",
        ('"class_name": found[1]', '"class_name": found[1].encode("ascii", "replace").decode()'),
    ),
    cms("class: `class_id` an integer", ('"class_id": found[0]', '"class_id": 17')),
    cms("class: `class_id` without dashes", ('"class_id": found[0]', '"class_id": found[0].replace("-", "")')),
    cms(
        "class: a field more",
        ('"class_name": found[1]}', '"class_name": found[1], "teacher": "x"}'),
        harmless=SOME_EXTRA,
    ),
    cms("no class: an empty object", ("return None if found is None", "return {} if found is None")),
    cms(
        "no class: the id left out",
        ("for batch_id in batch_ids}", "for batch_id in batch_ids if repository.class_of(batch_id)}"),
    ),
    cms(
        "no class: 404",
        (
            "        return {batch_id: repository",
            '        if not any(map(repository.class_of, batch_ids)):\n            return {"error": "Not found"}, 404\n        return {batch_id: repository',
        ),
    ),
    cms("keys without dashes", ("str(UUID(text))", "UUID(text).hex")),
    cms("keys in upper case", ("return {batch_id: repository", "return {batch_id.upper(): repository")),
    cms(
        "the first id alone",
        (
            'in request.args.get("batch_ids", "").split(",") if text]',
            'in request.args.get("batch_ids", "").split(",")[:1] if text]',
        ),
    ),
    cms(
        "an id too many",
        ("return {batch_id: repository", "return {str(UUID(int=0)): None} | {batch_id: repository"),
        harmless="the BFF looks up the ids that it asked for",
    ),
    cms(
        "a list instead of a map",
        ("return {batch_id: repository.class_of(batch_id) for", "return [repository.class_of(batch_id) for"),
        ("in batch_ids}", "in batch_ids]"),
    ),
    cms("every batch has a class", (" USING (class_id) WHERE batch_id = ?", " USING (class_id) WHERE ? != ''")),
    cms(
        "classes of batches swapped",
        ("return {batch_id: repository.class_of(batch_id) for", "return {batch_id: repository.class_of(other) for"),
        ("batch_id in batch_ids}", "batch_id, other in zip(batch_ids, reversed(batch_ids))}"),
    ),
    cms(
        "401 becomes 403",
        ('return {"error": "Invalid credentials"}, 401', 'return {"error": "Invalid credentials"}, 403'),
    ),
    cms(
        "a missing key is a 400",
        ('return {"error": "Missing authentication"}, 401', 'return {"error": "Missing authentication"}, 400'),
    ),
    cms("any key accepted", ("if key != settings.api_key:", "if False:")),
    cms(
        "unauthenticated access let through",
        ("if not key or not service:", "if False:"),
        ("if key != settings.api_key:", "if key and key != settings.api_key:"),
    ),
    cms("no binding for the repository", ("    @provide\n    def classes(", "    def classes(")),
    cms("errors as HTML", ('return {"error": "Missing authentication"}, 401', 'return "<h1>Unauthorized</h1>", 401')),
    cms("another path", ("/internal/v1/batches/class-info", "/internal/v1/class-info")),
    # Names
    *(
        cms(f"class: a name {name}", (_NAME, f'"class_name": (lambda text: {value})(found[1])'))
        for name, value in (
            ("without blanks around it", "text.strip()"),
            ("that is empty as null", "text or None"),
            ("that is the word null as null", 'None if text == "null" else text'),
            ("of digits as a number", "int(text) if text.isdigit() else text"),
            ("escaped for HTML", '__import__("html").escape(text)'),
            ("in normal form C", '__import__("unicodedata").normalize("NFC", text)'),
            ("in lower case", "text.lower()"),
            ("cut to 10 characters", "text[:10]"),
            ("without characters beyond the basic plane", '"".join(c for c in text if ord(c) < 65536)'),
        )
    ),
    cms(
        "class: found by its name, which another one has too",
        (
            '{"class_id": found[0]',
            '{"class_id": self._connection.execute("SELECT min(class_id) FROM classes WHERE name = ?", found[1:]).fetchone()[0]',
        ),
    ),
    cms(
        "no class: an empty name",
        ("return None if found is None", 'return {"class_id": str(UUID(int=0)), "class_name": ""} if found is None'),
    ),
    cms(
        "class: the batch it was given to first alone",
        (
            _BY_ID,
            f"{_BY_ID} AND batch_classes.rowid = (SELECT min(rowid) FROM batch_classes AS others WHERE others.class_id = classes.class_id)",
        ),
    ),
    # How many
    cms(
        "at most 50 ids answered",
        ("return {batch_id: repository", "batch_ids = batch_ids[:50]\n        return {batch_id: repository"),
    ),
    cms(
        "more than 50 ids are an error",
        (
            "return {batch_id: repository",
            'if len(batch_ids) > 50:\n            return {"error": "Too many"}, 400\n        return {batch_id: repository',
        ),
    ),
    cms(
        "a single id without the map",
        (
            "return {batch_id: repository",
            "if len(batch_ids) == 1:\n            return repository.class_of(batch_ids[0]) or {}\n        return {batch_id: repository",
        ),
    ),
    cms(
        "the ids with a class alone, when one has",
        (
            "return {batch_id: repository",
            "known = list(filter(repository.class_of, batch_ids))\n        batch_ids = known or batch_ids\n        return {batch_id: repository",
        ),
    ),
    cms(
        "the last id left out",
        (
            "return {batch_id: repository",
            "batch_ids = batch_ids[:-1] or batch_ids\n        return {batch_id: repository",
        ),
    ),
    cms(
        "sorted ids with classes in the order asked for",
        (
            "return {batch_id: repository.class_of(batch_id)",
            "found = list(map(repository.class_of, batch_ids))\n        return dict(zip(sorted(batch_ids), found))\n        return {batch_id: repository.class_of(batch_id)",
        ),
    ),
    cms(
        "keys in another order",
        ("return {batch_id: repository", "batch_ids.reverse()\n        return {batch_id: repository"),
        harmless="a map has no order",
    ),
    cms(
        "cached by the first id",
        ("PATIENCE = timedelta(hours=24)", "PATIENCE = timedelta(hours=24)\nSEEN: dict[str, Any] = {}"),
        (
            "return {batch_id: repository.class_of(batch_id) for batch_id in batch_ids}",
            "found = {batch_id: repository.class_of(batch_id) for batch_id in batch_ids}\n        return SEEN.setdefault(batch_ids[0], found)",
        ),
        harmless="no interaction asks for the batches of another one",
    ),
    # Progress of validation
    *(
        cms(f"validation: {name}", (old, new), harmless=harmless)
        for name, old, new, harmless in (
            (
                "`deviation_count` counts all that are not confirmed",
                '"deviation_count": pending',
                '"deviation_count": total - confirmed',
                "",
            ),
            (
                "`deviation_count` counts the confirmed",
                '"deviation_count": pending',
                '"deviation_count": confirmed',
                "",
            ),
            ("`deviation_count` of 0 as null", '"deviation_count": pending', '"deviation_count": pending or None', ""),
            (
                "`total_associations` leaves the rejected out",
                '"total_associations": total',
                '"total_associations": pending + confirmed',
                "",
            ),
            (
                "`confirmed_associations` counts the pending",
                '"confirmed_associations": confirmed',
                '"confirmed_associations": confirmed + pending',
                "",
            ),
            (
                "`confirmed_associations` counts the rejected",
                '"confirmed_associations": confirmed',
                '"confirmed_associations": total - pending',
                "",
            ),
            (
                "`confirmed_associations` in per cent",
                '"confirmed_associations": confirmed',
                '"confirmed_associations": 100 * confirmed // total',
                "",
            ),
            ("the deadline follows the latest that is pending", " min(created_at)", " max(created_at)", ""),
            (
                "the deadline follows the earliest of all",
                "min(created_at) FILTER (WHERE state = 'pending')",
                "min(created_at)",
                "",
            ),
            (
                "a deadline when nothing is pending",
                "FILTER (WHERE state = 'pending') FROM",
                "FILTER (WHERE state != 'rejected') FROM",
                "",
            ),
            (
                "no deadline before one is confirmed",
                "deadline_of(earliest)",
                "deadline_of(earliest) if confirmed else None",
                "",
            ),
            ("the deadline is when the earliest was made", " + PATIENCE).isoformat()", ").isoformat()", ""),
            ("the deadline after 48 hours", "PATIENCE).isoformat()", "2 * PATIENCE).isoformat()", ""),
            (
                "the deadline in Swedish time",
                "PATIENCE).isoformat()",
                'PATIENCE).replace(tzinfo=__import__("datetime").UTC).astimezone(__import__("zoneinfo").ZoneInfo("Europe/Stockholm")).isoformat()[:-6]',
                "",
            ),
            (
                "the deadline at the same time of a Swedish day",
                "PATIENCE).isoformat()",
                'PATIENCE).isoformat() if "03-29" not in earliest[:10] and "03-28" not in earliest[:10] else (datetime.fromisoformat(earliest) + PATIENCE - timedelta(hours=1)).isoformat()',
                "",
            ),
            (
                "the deadline cut to seconds",
                "PATIENCE).isoformat()",
                'PATIENCE).isoformat(timespec="seconds")',
                "a form that the models read, less than a second off",
            ),
            ("a date alone for the deadline", "PATIENCE).isoformat()", "PATIENCE).date().isoformat()", ""),
            ("an empty deadline for none", "return None if earliest is None", 'return "" if earliest is None', ""),
            ("null once nothing is pending", "if total == 0", "if pending == 0", ""),
            ("null when all were rejected", "if total == 0", "if pending + confirmed == 0", ""),
            ("zeros for a batch without associations", "if total == 0", "if False", ""),
            ("no `batch_id`", '            "batch_id": batch_id,\n            "dev', '            "dev', ""),
            (
                "`batch_id` in upper case",
                '"batch_id": batch_id,\n            "dev',
                '"batch_id": batch_id.upper(),\n            "dev',
                "",
            ),
            (
                "entries under another id",
                "repository.validation_of(one) for one in asked",
                "repository.validation_of(other) for one, other in zip(asked, reversed(asked))",
                "",
            ),
            ("ids without one left out", "for one in asked}", "for one in asked if repository.validation_of(one)}", ""),
            ("at most 50 ids answered", "for one in asked}", "for one in asked[:50]}", ""),
            ("another path", "/internal/v1/batches/validation-status", "/internal/v1/validation-status", ""),
        )
    ),
    # Who may ask
    cms("a missing service id accepted", ("if not key or not service:", "if not key:")),
    *(
        cms(f"the key taken from {name} too", (_KEY, f"{_KEY} or {other}"))
        for name, other in (
            ("`X-API-Key`", 'request.headers.get("X-API-Key")'),
            ("`Authorization`", 'request.headers.get("Authorization", "")[7:]'),
        )
    ),
    cms(
        "the BFF's service id alone accepted",
        ("if key != settings.api_key:", 'if key != settings.api_key or service != "bff-teacher-service":'),
        harmless="it is the BFF's",
    ),
)

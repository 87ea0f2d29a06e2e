"""Broken copies of CMS: what each gets wrong, and whether the BFF would notice."""

from typing import Final

from tests.providers.breaking import SOME_EXTRA, Mutant


def cms(name: str, *changes: tuple[str, str], harmless: str = "") -> Mutant:
    return Mutant("cms", name, changes, harmless)


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
)

"""Broken copies of CMS: what each gets wrong about the names of the students."""

from typing import Final

from tests.providers.breaking import SOME_EXTRA, cms

_FIRST: Final = '"first_name": first,'
_FULL: Final = 'f"{first} {last}" if full is None else full'
_OF_ONE_BATCH: Final = '(student_id) WHERE batch_id = ?",'
_NAMES: Final = "return repository.names_of(str(UUID(batch_id)))"


def _per(columns: str) -> tuple[str, str]:
    return _OF_ONE_BATCH, _OF_ONE_BATCH.replace("= ?", f"= ? GROUP BY {columns}")


def _all(change: str) -> tuple[str, str]:
    """Something done with the whole list, `names`."""
    return _NAMES, f"names = repository.names_of(str(UUID(batch_id)))\n            return {change}"


CMS_NAME_MUTANTS: Final = tuple(
    cms(f"names: {name}", change, harmless=harmless)
    for name, change, harmless in (
        ("`first_name` renamed to `given_name`", ('"first_name": first', '"given_name": first'), ""),
        ("`last_name` left out", ('                    "last_name": last,\n', ""), ""),
        ("`legal_full_name` left out", (f'                    "legal_full_name": {_FULL},\n', ""), ""),
        ("`essay_id` left out", ('                "essay_id": essay_id,\n', ""), ""),
        ("first and last name swapped", ("for essay_id, student_id, first, last", "for essay_id, student_id, last, first"), ""),
        ("essay and student swapped", ("for essay_id, student_id, first", "for student_id, essay_id, first"), ""),
        ("an empty name as null", (_FIRST, '"first_name": first or None,'), ""),
        ("the word null as null", (_FIRST, '"first_name": None if first == "null" else first,'), ""),
        ("without blanks around them", (_FIRST, '"first_name": first.strip(),'), ""),
        ("escaped for HTML", (_FIRST, '"first_name": __import__("html").escape(first),'), ""),
        ("in normal form C", (_FIRST, '"first_name": __import__("unicodedata").normalize("NFC", first),'), ""),
        ("in capitals", ('"last_name": last', '"last_name": last.title()'), ""),
        ("last names of digits as numbers", ('"last_name": last', '"last_name": int(last) if last.isdigit() else last'), ""),
        ("the full name always made of both", (_FULL, 'f"{first} {last}"'), ""),
        ("no full name as an empty one", (_FULL, '"" if full is None else full'), ""),
        ("no full name as the last name", (_FULL, "last if full is None else full"), ""),
        ("no full name as null", (_FULL, "full"), "the BFF then shows first and last name"),
        ("a field more", (_FIRST, '"email": "x",\n                    "first_name": first,'), SOME_EXTRA),
        ("ids without dashes", ('"student_id": student_id', '"student_id": student_id.replace("-", "")'), ""),
        ("ids in capitals", ('"essay_id": essay_id', '"essay_id": essay_id.upper()'), ""),
        ("of every batch", (_OF_ONE_BATCH, _OF_ONE_BATCH.replace("batch_id = ?", "? != ''")), ""),
        ("one essay for each student", _per("student_id"), ""),
        ("one student for each name", _per("first_name, last_name"), ""),
        ("in the order of the names", (_OF_ONE_BATCH, _OF_ONE_BATCH.replace("= ?", "= ? ORDER BY 4, 3")), "no order is promised"),
        ("in the reverse order", _all("names[::-1]"), "no order is promised"),
        ("at most five", _all("names[:5]"), ""),
        ("the first one again", _all("names + names[:1]"), ""),
        ("a map by essays", _all('{one["essay_id"]: one for one in names}'), ""),
        ("a list in an object", _all('{"students": names}'), ""),
        ("names beside the ids", _all('[{**one, **one["student_person_name"], "student_person_name": None} for one in names]'), ""),
        ("404 for none", _all('names or ({"error": "Not found"}, 404)'), ""),
        ("an empty object for none", _all("names or {}"), ""),
        ("another path", ("/internal/v1/batches/<batch_id>/student-names", "/internal/v1/batches/<batch_id>/names"), ""),
    )
)  # fmt: skip

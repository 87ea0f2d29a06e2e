"""Broken copies of RAS: wrong values of the stored rows."""

from typing import Final

from tests.providers.breaking import ras

_TEXT: Final = '"assignment_id": row["assignment_id"]'
_COUNT: Final = '"essay_count": row["essay_count"]'
_MOMENT: Final = "datetime.fromisoformat(stored).isoformat()"
_ESSAYS: Final = "return list(self._connection.execute(query, (batch_id,)))"
_STAGES: Final = 'essay[f"{phase}_status"] not in FINISHED for essay in essays'
_SHOWN: Final = "return batch_answer(row, repository.essays(batch_id))"
_SERVED: Final = "    QuartDishka(app=app"
_UTC: Final = 'datetime.fromisoformat(stored).replace(tzinfo=__import__("datetime").UTC)'
_CREATED: Final = _UTC.replace("stored", 'row["created_at"]')
_SWEDISH: Final = '__import__("zoneinfo").ZoneInfo("Europe/Stockholm")'

VALUE_MUTANTS: Final = (
    # Texts and numbers of a batch
    *(
        ras(f"text: {name}", (_TEXT, f'"assignment_id": (lambda text: {value})(row["assignment_id"])'))
        for name, value in (
            ("an empty one as null", "text or None"),
            ("null as an empty one", 'text or ""'),
            ("the word null as null", 'None if text == "null" else text'),
            ("without blanks around it", "text and text.strip()"),
            ("digits as a number", "int(text) if text and text.isdigit() else text"),
            ("digits as a number's text", "str(int(text)) if text and text.isdigit() else text"),
            ("escaped for HTML", 'text and __import__("html").escape(text)'),
            ("in normal form C", 'text and __import__("unicodedata").normalize("NFC", text)'),
            ("in normal form D", 'text and __import__("unicodedata").normalize("NFD", text)'),
            ("without characters beyond the basic plane", 'text and "".join(c for c in text if ord(c) < 65536)'),
            ("cut to 20 characters", "text and text[:20]"),
            ("its first line", 'text and text.partition("\\n")[0]'),
            ("without backslashes", 'text and text.replace("\\\\", "")'),
            ("in lower case", "text and text.lower()"),
        )
    ),
    ras("number: 0 as null", (_COUNT, f"{_COUNT} or None")),
    ras("number: at most 9999", (_COUNT, '"essay_count": min(row["essay_count"], 9999)')),
    ras("number: with a comma", (_COUNT, '"essay_count": f\'{row["essay_count"]:,}\'')),
    ras("batch: `essay_count` counts the essays that there are", (_COUNT, '"essay_count": len(essays)')),
    ras(
        "batch: `completed_essay_count` counts the essays that were assessed",
        (
            '"completed_essay_count": row["completed_essay_count"]',
            '"completed_essay_count": sum(essay["cj_assessment_status"] == "completed" for essay in essays)',
        ),
    ),
    ras(
        "batch: `failed_essay_count` never more than are completed",
        (
            '"failed_essay_count": row["failed_essay_count"]',
            '"failed_essay_count": min(row["failed_essay_count"], row["completed_essay_count"])',
        ),
    ),
    ras("batch: `last_updated` is `created_at`", ('moment(row["last_updated"])', 'moment(row["created_at"])')),
    ras(
        "batch: `processing_started_at` is `created_at`",
        ('moment(row["processing_started_at"])', 'moment(row["processing_started_at"] and row["created_at"])'),
    ),
    # Moments
    *(
        ras(f"date-times: {name}", (_MOMENT, value), harmless=harmless)
        for name, value, harmless in (
            ("in Swedish time, with its offset", f"{_UTC}.astimezone({_SWEDISH}).isoformat()", "the same moment"),
            ("with `+00:00`", f"{_UTC}.isoformat()", "the same moment"),
            ("in Swedish time, without an offset", f"{_UTC}.astimezone({_SWEDISH}).isoformat()[:-6]", ""),
            (
                "in British time, which is UTC in winter",
                f"{_UTC}.astimezone({_SWEDISH.replace('Stockholm', 'London')}).isoformat()[:-6]",
                "",
            ),
            (
                "read as Swedish time, written in UTC",
                f'{_UTC}.replace(tzinfo={_SWEDISH}).astimezone(__import__("datetime").UTC).isoformat()',
                "",
            ),
            ("with Swedish winter's offset", f'{_MOMENT} + "+01:00"', ""),
            ("cut to minutes", f'{_MOMENT}[:17] + "00"', ""),
            (
                "rounded to seconds",
                '(datetime.fromisoformat(stored) + __import__("datetime").timedelta(milliseconds=500)).isoformat(timespec="seconds")',
                "",
            ),
            ("without the zeros at the end", f'{_MOMENT}.rstrip("0") if "." in stored else {_MOMENT}', ""),
            (
                "with nine digits of a second",
                'datetime.fromisoformat(stored).isoformat(timespec="microseconds") + "000"',
                "",
            ),
            ("a date alone", f"{_MOMENT}[:10]", ""),
            ("the offset without a colon", f'{_MOMENT} + "+0000"', ""),
            ("the 29th of February as the 1st of March", f'{_MOMENT}.replace("02-29", "03-01")', ""),
            ("midnight as 24 o'clock", f'{_MOMENT}.replace("T00:00:00", "T24:00:00")', ""),
            ("by the clock of twelve hours", 'datetime.fromisoformat(stored).strftime("%Y-%m-%dT%I:%M:%S")', ""),
        )
    ),
    # Phases
    *(
        ras(f"phase: {name}", (_STAGES, stages))
        for name, stages in (
            ("of the last essay", _STAGES.replace("in essays", "in essays[-1:]")),
            ("of the first essay", _STAGES.replace("in essays", "in essays[:1]")),
            ("of the first two essays", _STAGES.replace("in essays", "in essays[:2]")),
            ("a stage that is not set counts as finished", _STAGES.replace("FINISHED", "{*FINISHED, None}")),
            ("a stage that waits counts as finished", _STAGES.replace("FINISHED", '{*FINISHED, "pending"}')),
            ("a stage that is prepared counts as finished", _STAGES.replace("FINISHED", '{*FINISHED, "initialized"}')),
            ("a cancelled essay counts as unfinished", _STAGES.replace("FINISHED", '{"completed", "failed"}')),
        )
    ),
    ras("phase: only when every essay is unfinished", (f"any({_STAGES})", f"essays and all({_STAGES})")),
    ras(
        "phase: CJ assessment begins with the first essay that is through its spellcheck",
        (
            f"if any({_STAGES})",
            f'if phase == PHASES[0] and any(essay["spellcheck_status"] in FINISHED for essay in essays):\n            continue\n        if any({_STAGES})',
        ),
    ),
    ras(
        "phase: spellcheck for a batch without essays",
        ("    for phase in PHASES:", '    if not essays:\n        return "spellcheck"\n    for phase in PHASES:'),
    ),
    # Essays
    *(
        ras(f"status: {name}", (_ESSAYS, f"return {essays}"), harmless=harmless)
        for name, essays, harmless in (
            (
                "`essays` by rank",
                f"sorted({_ESSAYS[7:]}, key=lambda one: one['cj_rank'] or 99)",
                "RAS promises no order of them",
            ),
            ("the first two `essays`", f"{_ESSAYS[7:]}[:2]", ""),
            ("the first of the `essays` twice", f"[*{_ESSAYS[7:]}[:1], *{_ESSAYS[7:]}]", ""),
            ("the first of the `essays` in the place of all", f"{_ESSAYS[7:]}[:1] * len({_ESSAYS[7:]})", ""),
            (
                "`essays` without those that failed",
                f"[one for one in {_ESSAYS[7:]} if one['cj_assessment_status'] != 'failed']",
                "",
            ),
            ("`essays` without those that have no name", f"[one for one in {_ESSAYS[7:]} if one['filename']]", ""),
        )
    ),
    *(
        ras(f"essay: {name}", (f'"{field}": essay["{field}"]', f'"{field}": (lambda found: {value})(essay["{field}"])'))
        for name, field, value in (
            ("a `cj_score` of 0 as null", "cj_score", "found or None"),
            ("`cj_score` to one digit", "cj_score", "found and round(found, 1)"),
            ("`cj_score` as text", "cj_score", "found and str(found)"),
            ("no `cj_score` as 0", "cj_score", "found or 0.0"),
            ("no `cj_rank` as 0", "cj_rank", "found or 0"),
            ("`spellcheck_correction_count` of 0 as null", "spellcheck_correction_count", "found or None"),
            ("an empty `filename` as null", "filename", "found or None"),
            ("`filename` in ASCII", "filename", 'found and found.encode("ascii", "replace").decode()'),
            ("`spellcheck_status` in upper case", "spellcheck_status", "found and found.upper()"),
            (
                "`cj_assessment_status`: `cancelled` as `failed`",
                "cj_assessment_status",
                '"failed" if found == "cancelled" else found',
            ),
        )
    ),
    # One endpoint unlike the other
    *(
        ras(f"status: {name}, in a list not", (_SHOWN, f"return {{**{_SHOWN[7:]}, {changed}}}"))
        for name, changed in (
            ("no `current_phase`", '"current_phase": None'),
            (
                "a `current_phase` in every status",
                '"current_phase": current_phase({"internal_status": "processing_pipelines"}, repository.essays(batch_id))',
            ),
            (
                "`cancelled` shown as `failed`",
                '"overall_status": CLIENT_STATUS[row["internal_status"]].replace("cancelled", "failed")',
            ),
            (
                "a timeout of the validation shown as `failed`",
                '"overall_status": "failed" if "timeout" in row["internal_status"] else CLIENT_STATUS[row["internal_status"]]',
            ),
            ("the internal status", '"overall_status": row["internal_status"]'),
            ("no `assignment_id`", '"assignment_id": None'),
            (
                "`created_at` in Swedish time",
                f'"created_at": {_CREATED}.astimezone({_SWEDISH}).isoformat()[:-6]',
            ),
        )
    ),
    # The bytes of an answer
    *(
        ras(
            f"answers: {name}",
            (
                _SERVED,
                f"    @app.after_request\n    async def change(response: Any) -> Any:\n        {change}\n        return response\n\n{_SERVED}",
            ),
            harmless=harmless,
        )
        for name, change, harmless in (
            ("with a charset", 'response.content_type += "; charset=utf-8"', "JSON is UTF-8 whatever a parameter says"),
            ("with a type of their own", 'response.content_type = "application/vnd.huledu+json"', ""),
            (
                "in Latin 1",
                'response.set_data((await response.get_data()).decode("unicode_escape").encode("latin-1", "replace"))',
                "",
            ),
            ("with a mark of the byte order", 'response.set_data(b"\\xef\\xbb\\xbf" + await response.get_data())', ""),
            ("with `NaN` for null", 'response.set_data((await response.get_data()).replace(b"null", b"NaN"))', ""),
            ("as a text in JSON", "response.set_data(json.dumps((await response.get_data()).decode()))", ""),
            ("an empty body", 'response.set_data(b"")', ""),
        )
    ),
)

"""The types that users see; mypy and pyright check the assertions, the suite runs them."""

import ast
import inspect
from importlib import resources
from pathlib import Path
from typing import Any, assert_type
from uuid import UUID

from pydantic import SecretStr

from bff_clients import (
    BackendSettings,
    Batch,
    BatchClientStatus,
    BatchDetails,
    BatchId,
    BatchPage,
    BatchStatus,
    ClassInfo,
    CMSClient,
    CMSClientProtocol,
    RASClient,
    RASClientProtocol,
    StudentName,
)
from bff_clients.plain import PlainCMSClient, PlainCMSClientProtocol, PlainRASClient, PlainRASClientProtocol


async def check_types(ras: RASClient, cms: CMSClient, status: BatchClientStatus) -> None:
    page = await ras.get_batches_for_user("teacher")
    assert_type(page, BatchPage)
    assert_type(page.batches[0], Batch)
    assert_type(page[0], Batch)
    assert_type(page[:2], tuple[Batch, ...])
    assert_type(page.batches[0].batch_id, BatchId)
    assert_type(page.next_offset, int | None)
    assert_type(await ras.get_batch_status("id"), BatchDetails | None)
    assert_type(await cms.get_batch_class_info(["id"]), dict[str, ClassInfo | None])
    assert_type(await cms.get_batch_class_info([UUID(int=1)]), dict[UUID, ClassInfo | None])
    assert_type(await cms.get_batch_student_names("id"), list[StudentName])
    assert_type((await cms.get_batch_student_names(UUID(int=1)))[0].student_person_name.legal_full_name, str | None)
    await ras.get_batches_for_user("teacher", 20)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    internal: BatchStatus = status  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    del internal
    reads: RASClientProtocol = ras
    knows: CMSClientProtocol = cms
    plain_reads: PlainRASClientProtocol = PlainRASClient(reads)
    plain_knows: PlainCMSClientProtocol = PlainCMSClient(knows)
    assert_type(await plain_reads.get_batches_for_user("teacher"), list[dict[str, Any]])
    assert_type(await plain_knows.get_batch_class_info(["id"]), dict[str, dict[str, str | None]])


def check_types_of_settings() -> None:
    settings = BackendSettings(internal_api_key="key")
    assert_type(settings.internal_api_key, SecretStr)
    BackendSettings(_env_file=".env", http_retries=0)
    BackendSettings(internal_api_key=SecretStr("key"))
    BackendSettings(internal_api_key=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_type_checkers_know_each_setting_by_its_name_and_type() -> None:
    tree = ast.parse(Path(inspect.getfile(BackendSettings)).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.args.kwonlyargs]
    (arguments,) = (one.args.kwonlyargs for one in functions if one.name == "__init__")
    annotated = [node for node in ast.walk(tree) if isinstance(node, ast.AnnAssign)]
    fields = {ast.unparse(node.target): ast.unparse(node.annotation) for node in annotated}
    typed = {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation is not None}

    assert [*typed] == [*BackendSettings.model_fields, "_env_file"]
    assert [name for name in typed if name.startswith("http_") and typed[name] != fields[name]] == []


def test_the_package_says_that_it_is_typed() -> None:
    assert resources.files("bff_clients").joinpath("py.typed").is_file()

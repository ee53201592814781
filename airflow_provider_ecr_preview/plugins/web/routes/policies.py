"""The route for the text of a policy that an audit previewed; its result has room for one short candidate alone."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, bounded_lines
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.plugins.web.access import READS_XCOM
from airflow_provider_ecr_preview.plugins.web.fair_queue import in_thread
from airflow_provider_ecr_preview.plugins.web.locations import open_checked
from airflow_provider_ecr_preview.plugins.web.opening import ANSWERS, READINGS, RequestedTask
from airflow_provider_ecr_preview.plugins.web.replies import json_reply, takes_gzip
from airflow_provider_ecr_preview.plugins.web.routes.repositories import readable_rows
from airflow_provider_ecr_preview.plugins.web.stored import read_stored
from airflow_provider_ecr_preview.reports.layout import POLICIES, TABLES
from airflow_provider_ecr_preview.reports.policies import MAX_POLICY_BYTES

router = APIRouter(prefix="/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=[READS_XCOM])


_BOUNDS = ReadBounds(
    stored_bytes=MAX_POLICY_BYTES,
    unpacked_bytes=MAX_POLICY_BYTES,
    lines=10_000,
    line_bytes=MAX_POLICY_BYTES,
    seconds=20,
)


_NOT_KEPT = "The audit did not keep this policy, as those of earlier releases. To see it, run the audit again."


Fingerprint = Annotated[str, Query(pattern="^[0-9a-f]{64}$")]


@router.get("/policy")
async def read_policy(request: Request, requested: RequestedTask, fingerprint: Fingerprint) -> Response:
    """Return the text of the policy with this fingerprint, if a repository of the audit has it."""
    user_id = requested.user.get_id()
    async with ANSWERS.turn(user_id):
        uris, packed = await readable_rows(requested)
        # The folder has the policies of all audits. A row that the user may read has to name it.
        if not await in_thread(_names, packed, fingerprint):
            raise HTTPException(HTTPStatus.NOT_FOUND, "No repository of this audit has this policy.")
        async with READINGS.turn(user_id):
            text = await in_thread(read_stored, partial(_read, uris, fingerprint))
        if text is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, _NOT_KEPT)
        return await in_thread(partial(json_reply, {"lifecycle_policy_text": text}, is_packed=takes_gzip(request)))


def _names(packed: bytes, fingerprint: str) -> bool:
    return f'"{fingerprint}"'.encode() in gzip.decompress(packed)


def _read(table_uris: Sequence[str], fingerprint: str, folders: Sequence[str]) -> str | None:
    """Return the text from the folder for reports that a table is in; None if none of them has it."""
    for root in dict.fromkeys(uri.rpartition(f"/{TABLES}/csv/")[0] for uri in table_uris):
        try:
            with open_checked(f"{root}/{POLICIES}/{fingerprint}.json", folders) as stored:
                text = b"\n".join(bounded_lines(stored, ReadBudget(_BOUNDS), is_packed=False)).decode()
        except FileNotFoundError:
            continue
        if LifecyclePolicy.from_service(text).fingerprint != fingerprint:
            raise ValueError("it holds another policy")
        return text
    return None

"""The question that a person was asked and the answer, kept as Markdown: Airflow may delete its own record of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.list_writer import owner_comment
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.reports.storage import write_whole

_ANSWER = "\n\n---\n\n## The answer\n\n"

log = logging.getLogger(__name__)


def keep_question(uri: str, subject: str, body: str, dag_id: str) -> None:
    """Write the question before the person is asked; an earlier question in the same file is replaced.

    :param uri: an ``ObjectStoragePath`` URL of a file.
    :param subject: the question in one line.
    :param body: the question as Markdown.
    :param dag_id: the DAG that asks.
    """
    write_whole(ObjectStoragePath(uri), f"# {subject}\n\n{body}\n{owner_comment(dag_id)}\n".encode())


def keep_answer(
    uri: str, asked: ApprovalXCom, answer: Mapping[str, Any], responded_at: str | datetime, dag_id: str
) -> None:
    """Add the answer to the question. A file that cannot be written is logged, because the answer counts all the same.

    :param uri: the file with the question.
    :param asked: the approval, with what the person read.
    :param answer: the answer that Airflow recorded.
    :param responded_at: when the person answered.
    :param dag_id: the DAG that asked.
    """
    user = answer["responded_by_user"]
    by = "a timeout" if user is None else str(user.get("name") or user["id"])
    text = f"{', '.join(answer['chosen_options'])}, by {by} at {responded_at}; digest `{asked['digest']}`.\n"
    path = ObjectStoragePath(uri)
    try:
        question = _question(path, asked, owner_comment(dag_id))
        write_whole(path, f"{question}{_ANSWER}{text}\n{owner_comment(dag_id)}\n".encode())
    except Exception:  # storage fails in many ways, and the XCom has the answer, too
        log.exception("The answer cannot be written to %s.", uri)


def _question(path: ObjectStoragePath, asked: ApprovalXCom, comment: str) -> str:
    """Return the question as it was written, or what the XCom has of it."""
    try:
        with path.open("rb") as stored:
            question: str = stored.read().decode().partition(_ANSWER)[0]
    except FileNotFoundError:
        return f"# {asked.get('subject', '')}\n\n{asked.get('body', '')}"
    return question.rstrip().removesuffix(comment).rstrip()

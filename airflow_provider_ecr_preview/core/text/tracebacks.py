"""Make the messages of chained errors harmless in tracebacks."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import visible


def defuse(error: BaseException) -> None:
    """Hide the secrets and control characters in the texts of an error, and of those that caused it.

    :param error: an error of the AWS SDK, whose message may hold what a service or an endpoint wrote.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        cause.args = tuple(masked(visible(text)) if isinstance(text, str) else text for text in cause.args)
        cause = cause.__cause__ or cause.__context__

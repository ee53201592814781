"""A change of policies as tables for a person, for task logs."""

from __future__ import annotations

from rich.console import Group, RenderableType

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.core.xcom.rollout import PolicyChangeXCom, RepositoryPolicyXCom
from airflow_provider_ecr_preview.display.cleanup import checks_table
from airflow_provider_ecr_preview.display.text import text_of

MAX_SHOWN = 20


def policy_change_table(value: PolicyChangeXCom) -> RenderableType:
    """Return a change as tables: what was changed, and what every check said."""
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(value["statuses"].items()))
    count = counted(value["repository_count"], "repository", "repositories")
    headline = f"{value['status'].upper()}: {count}: {statuses or 'none'}."
    shown = value["repositories"][:MAX_SHOWN]
    parts: list[RenderableType] = [text_of(headline), *map(_of_repository, shown)]
    if message := value.get("message"):
        parts.insert(1, text_of(message))
    if more := value["repository_count"] - len(shown):
        parts.append(text_of(f"and {counted(more, 'more repository', 'more repositories')}."))
    if value["checks"]:
        parts += [text_of("The whole run"), checks_table(value["checks"])]
    return Group(*parts)


def _of_repository(repository: RepositoryPolicyXCom) -> RenderableType:
    former, wanted = repository["former_policy_fingerprint"], repository["policy_fingerprint"]
    headline = (
        f"{visible(repository['repository_name'])} ({repository['registry_id']}, {repository['region_name']}): "
        f"{repository['status']}, policy {_short(former)} -> {_short(wanted)}"
    )
    parts = [part for part in (repository["error"], repository["message"]) if part]
    text = text_of(headline + _takes(repository), *([f"  {': '.join(parts)}"] if parts else []))
    return Group(text, checks_table(repository["checks"])) if repository["checks"] else text


def _takes(repository: RepositoryPolicyXCom) -> str:
    if (preview := repository.get("restored_preview")) is None:
        return ""
    expiring, archiving = preview["expiring_image_count"], preview["archiving_image_count"]
    return f", which expires {counted(expiring, 'image')} and archives {counted(archiving, 'image')}"


def _short(fingerprint: str | None) -> str:
    return "none" if fingerprint is None else fingerprint[:12]

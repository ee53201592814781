"""Programs and tasks that call the hook, write a source of their own, read results and catch errors."""

from __future__ import annotations

from collections.abc import Iterator

from airflow.sdk import task

from airflow_provider_ecr_preview.exceptions import (
    AccessDeniedError,
    EcrPreviewError,
    InvalidLifecyclePolicyError,
    PreviewTimeoutError,
    RepositoryError,
)
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.policy import LifecyclePolicy, lint_policy
from airflow_provider_ecr_preview.reports import read_image_list
from airflow_provider_ecr_preview.sources import SOURCES, ClientOf, FoundReference, InUseSource
from airflow_provider_ecr_preview.xcom import (
    AuditXCom,
    ComparisonXCom,
    ImageCleanupXCom,
    ImagesInUseXCom,
    PolicyChangeXCom,
    PreviewSummaryXCom,
    ReconciliationXCom,
)


@task
def expiring_bytes(repository_name: str) -> int:
    hook = EcrLifecyclePolicyPreviewHook(aws_conn_id="aws_default", region_name="eu-central-1")
    started = hook.start_preview(repository_name, {"rules": []})
    complete = hook.wait_for_preview(repository_name, policy_fingerprint=started.policy.fingerprint, timeout=600)
    pages = hook.paginate_preview(repository_name, tag_status="UNTAGGED", page_size=100)
    sizes: list[int] = [len(page.images) for page in pages]
    digests: list[str] = [image.image_digest for image in hook.iter_preview_images(repository_name)]
    text: str = complete.policy.text
    return len(digests) + len(text) + sum(sizes)


def own_source(client_of: ClientOf) -> Iterator[FoundReference]:
    for cluster in client_of("ecs").list_clusters()["clusterArns"]:
        yield FoundReference("123456789012.dkr.ecr.eu-central-1.amazonaws.com/payments/api:v1", "ECS cluster", cluster)


mine: InUseSource = own_source
EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs", own_source, mine, SOURCES["eks"]])


def read(path: str) -> set[str]:
    return {tag for image in read_image_list(path) for tag in image.image_tags}


def lines(  # noqa: PLR0917 - one value of each kind
    summary: PreviewSummaryXCom,
    audit: AuditXCom,
    comparison: ComparisonXCom,
    in_use: ImagesInUseXCom,
    cleanup: ImageCleanupXCom,
    change: PolicyChangeXCom,
    reconciliation: ReconciliationXCom,
) -> list[str]:
    found: list[str] = [rule["action"] for rule in summary["rules"]]
    found += [failure["message"] or "" for failure in audit["failures"]]
    found += [policy["policy"] for policy in comparison["policies"]]
    found += [check["code"] for check in cleanup["checks"]]
    found += [repository["repository_name"] for repository in change["repositories"]]
    found += [repository["status"] for repository in reconciliation["repositories"]]
    return [*found, in_use["schema"]]


def catching(hook: EcrLifecyclePolicyPreviewHook, policy: str) -> str:
    try:
        hook.start_preview("payments/api", policy)
    except InvalidLifecyclePolicyError as error:
        return str(error)
    except AccessDeniedError as error:
        return f"{error.action} {error.repository_name}"
    except (PreviewTimeoutError, RepositoryError) as error:
        return f"{error.registry_id} {error.region_name}"
    except EcrPreviewError as error:
        return str(error)
    findings = [finding.message for finding in lint_policy(policy)]
    return "".join(findings) or LifecyclePolicy.parse(policy).fingerprint

"""``ecr-preview preview``: let Amazon ECR, or the local ECR, preview a policy."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.cli.arguments import (
    FAIL_ON_FINDING,
    LIMIT,
    OUTPUT,
    POLICY_HELP,
    REPOSITORY,
    Command,
    argument,
    count,
    format_argument,
)
from airflow_provider_ecr_preview.cli.effects import is_grave
from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.cli.inputs import policies_in
from airflow_provider_ecr_preview.cli.output import write
from airflow_provider_ecr_preview.cli.simulate import RENDER, ResultKind, Simulation, policy_of
from airflow_provider_ecr_preview.core.exceptions import EcrPreviewError
from airflow_provider_ecr_preview.core.files.found import FoundPolicy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.pages import PreviewPage
from airflow_provider_ecr_preview.core.preview.reading import read_preview

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

PREVIEW = ResultKind(
    "ecr-preview-preview/1",
    "previews",
    "ECR lifecycle policies: preview",
    "Amazon ECR's own preview. Bytes are upper bounds: layers are shared.",
)
TIMEOUT_SECONDS = 600
_POLL_SECONDS = 2.0


def run(arguments: Namespace) -> int:
    """Preview the policies and return the exit code.

    :param arguments: the parsed arguments.
    :raises CommandError: if a policy cannot be read, or AWS does not preview it.
    """
    wanted, skipped = [], []
    for found in policies_in([arguments.file]):
        name, policy = found.repository_name or arguments.repository, policy_of(found)
        if policy is None:
            skipped.append((found, found.unknown or "There is no policy."))
        elif name is None:
            skipped.append((found, "The file does not name the repository. Name it with --repository."))
        else:
            wanted.append((found, policy, name))
    previews = []
    if wanted:
        with _logs_elsewhere():
            hook = _hook(arguments)
            previews = [_previewed(hook, found, policy, name, arguments) for found, policy, name in wanted]
    if not previews:
        raise CommandError("\n  - ".join(["No policy was previewed:", *(f"{of.name}: {why}" for of, why in skipped)]))
    write(RENDER[arguments.format](previews, skipped, arguments.limit, PREVIEW), arguments.output)
    grave = any(is_grave(preview.summary["findings"], arguments.fail_on) for preview in previews)
    return ExitCode.FINDINGS if grave else ExitCode.OK


@contextmanager
def _logs_elsewhere() -> Iterator[None]:
    """Send what Airflow logs to standard error, because standard output is the result."""
    with redirect_stdout(sys.stderr):
        yield


def _hook(arguments: Namespace) -> EcrLifecyclePolicyPreviewHook:
    if arguments.endpoint_url is not None:
        # boto3 reads it from there; a connection of Airflow, which could hold it, is not used.
        os.environ["AWS_ENDPOINT_URL_ECR"] = arguments.endpoint_url
    try:
        from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook  # noqa: PLC0415
    except ImportError as error:
        raise CommandError(f"preview needs Airflow and its Amazon provider: {error}.", ExitCode.AWS) from error
    return EcrLifecyclePolicyPreviewHook(aws_conn_id=None, region_name=arguments.region)


def _previewed(
    hook: EcrLifecyclePolicyPreviewHook, found: FoundPolicy, policy: LifecyclePolicy, name: str, arguments: Namespace
) -> Simulation:
    site: dict[str, Any] = {"registry_id": arguments.registry_id}
    try:
        inventory = RepositoryInventory(policy.rules)
        inventory.update(hook.iter_repository_images(name, **site))
        hook.start_preview(name, policy.text, timeout=arguments.timeout, poll_interval=_POLL_SECONDS, **site)
        of_policy = {**site, "policy_fingerprint": policy.fingerprint}
        hook.wait_for_preview(name, timeout=arguments.timeout, poll_interval=_POLL_SECONDS, **of_policy)
        images: list[PreviewedImage] = []
        pages = _collected(hook.paginate_preview(name, **of_policy), inventory, images)
        summary = read_preview(pages, inventory=inventory)
    except EcrPreviewError as error:
        raise CommandError(f"{found.name}: {error}", ExitCode.AWS) from error
    return Simulation(found, policy, summary, images)


def _collected(
    pages: Iterable[PreviewPage], inventory: RepositoryInventory, images: list[PreviewedImage]
) -> Iterator[PreviewPage]:
    for page in pages:
        images.extend(image.enriched(inventory) for image in page.images)
        yield page


COMMAND = Command(
    name="preview",
    help="Let Amazon ECR preview a policy.",
    description=(
        "Start Amazon ECR's own preview of a policy, wait for it and show it. Uses the credentials that boto3 finds. A preview "
        "deletes nothing, and replaces the preview that the repository has. Needs ecr:StartLifecyclePolicyPreview, "
        "ecr:GetLifecyclePolicyPreview and ecr:DescribeImages."
    ),
    arguments=(
        argument("file", metavar="FILE", help=f"The policy: {POLICY_HELP}."),
        REPOSITORY,
        argument("--region", metavar="REGION", help="The AWS Region; that of boto3's configuration by default."),
        argument("--registry-id", metavar="ID", help="The registry (account); the caller's own by default."),
        argument("--endpoint-url", metavar="URL", help="The endpoint of ECR, for example that of the local ECR."),
        argument(
            "--timeout",
            type=count,
            default=TIMEOUT_SECONDS,
            metavar="SECONDS",
            help=f"How long each preview may take (default: {TIMEOUT_SECONDS}).",
        ),
        LIMIT,
        format_argument(),
        OUTPUT,
        FAIL_ON_FINDING,
    ),
    run=run,
)

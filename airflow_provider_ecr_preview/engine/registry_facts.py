"""Read what a registry does by itself: its pull-through caches and its repository creation templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.preview.registry_findings import CreationTemplate, RegistryFacts
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook


def read_registry_facts(hook: EcrLifecyclePolicyPreviewHook) -> RegistryFacts:
    """Return what the caller's own registry does by itself.

    Calls DescribePullThroughCacheRules and DescribeRepositoryCreationTemplates (``ecr:`` IAM actions of the same names).

    :param hook: the hook.
    :raises RepositoryError: if it cannot be read.
    """
    site = CallSite("the registry", None, hook.conn_region_name)
    with translated(site):
        client: Any = hook.conn
        rules = [*_pages(site, client.describe_pull_through_cache_rules, "pullThroughCacheRules")]
        templates = [*_pages(site, client.describe_repository_creation_templates, "repositoryCreationTemplates")]
    return site.parsed(_facts, {"rules": rules, "templates": templates})


def _facts(response: Mapping[str, Any], _: str) -> RegistryFacts:
    return RegistryFacts(
        tuple(rule["ecrRepositoryPrefix"] for rule in response["rules"]),
        tuple(
            CreationTemplate(
                template["prefix"], template.get("lifecyclePolicy") or None, tuple(template.get("appliedFor", ()))
            )
            for template in response["templates"]
        ),
    )


def _pages(site: CallSite, call: Any, key: str) -> Iterator[Mapping[str, Any]]:
    token: dict[str, Any] = {}
    while True:
        page = call(**token)
        # A response that was cut off lacks the list, which is not the same as an empty one.
        yield from site.parsed(lambda page, _: page[key], page)
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}

"""The operations of ECR on repository creation templates and pull-time update exclusions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from airflow_provider_ecr_preview.local.paging import invalid, page_after
from airflow_provider_ecr_preview.local.policy_operations import check_policy
from airflow_provider_ecr_preview.local.registry_settings import CREATION_SCENARIOS, RegistrySettings, missing_template
from airflow_provider_ecr_preview.local.request import Request

MAX_PER_PAGE = 1_000


_PREFIX = re.compile(r"([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*/?|ROOT)")


_PRINCIPAL = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\w+=,.@-]+(/[\w+=,.@-]+)*")


_TEMPLATE_MEMBERS = (
    "description",
    "encryptionConfiguration",
    "resourceTags",
    "imageTagMutability",
    "imageTagMutabilityExclusionFilters",
    "repositoryPolicy",
    "lifecyclePolicy",
    "appliedFor",
    "customRoleArn",
)


def create_repository_creation_template(request: Request) -> dict[str, Any]:
    """Create a template for repositories that ECR creates on its own."""
    prefix, settings = _prefix(request), _settings(request)
    if prefix in settings.templates:
        raise ServiceException(
            "TemplateAlreadyExistsException",
            f"The repository creation template with prefix '{prefix}' already exists in the registry with id "
            f"'{request.backend.account_id}'",
        )
    now = request.registry.now.timestamp()
    template = {"prefix": prefix, "imageTagMutability": "MUTABLE", "createdAt": now, "updatedAt": now}
    settings.templates[prefix] = template | _members(request)
    return _answer(request, settings.templates[prefix])


def update_repository_creation_template(request: Request) -> dict[str, Any]:
    """Change the members of a template that the request contains."""
    template = _template(request)
    template |= _members(request)
    template["updatedAt"] = request.registry.now.timestamp()
    return _answer(request, template)


def delete_repository_creation_template(request: Request) -> dict[str, Any]:
    """Delete a template, and return it."""
    template = _template(request)
    del _settings(request).templates[template["prefix"]]
    return _answer(request, template)


def describe_repository_creation_templates(request: Request) -> dict[str, Any]:
    """Return one page of the templates, or those with the named prefixes."""
    prefixes = request.parameters.get("prefixes")
    numbered = list(enumerate(_settings(request).templates.values()))
    page, token = page_after(
        numbered,
        request.parameters,
        largest=MAX_PER_PAGE,
        serial=lambda entry: entry[0],
        wanted=lambda entry: not prefixes or entry[1]["prefix"] in prefixes,
    )
    answer: dict[str, Any] = {
        "registryId": request.backend.account_id,
        "repositoryCreationTemplates": [template for _, template in page],
    }
    return answer | ({"nextToken": token} if token else {})


def register_pull_time_update_exclusion(request: Request) -> dict[str, Any]:
    """Stop recording the pulls of a principal."""
    principal, exclusions = _principal(request), _settings(request).pull_time_exclusions
    if principal in exclusions:
        raise ServiceException(
            "ExclusionAlreadyExistsException", f"An exclusion of the principal '{principal}' already exists"
        )
    exclusions[principal] = request.registry.now
    return {"principalArn": principal, "createdAt": exclusions[principal].timestamp()}


def deregister_pull_time_update_exclusion(request: Request) -> dict[str, Any]:
    """Record the pulls of a principal again."""
    principal, exclusions = _principal(request), _settings(request).pull_time_exclusions
    if principal not in exclusions:
        raise ServiceException("ExclusionNotFoundException", f"There is no exclusion of the principal '{principal}'")
    del exclusions[principal]
    return {"principalArn": principal}


def list_pull_time_update_exclusions(request: Request) -> dict[str, Any]:
    """Return one page of the principals whose pulls are not recorded."""
    page, token = page_after(
        list(enumerate(_settings(request).pull_time_exclusions)),
        request.parameters,
        largest=MAX_PER_PAGE,
        serial=lambda entry: entry[0],
    )
    answer: dict[str, Any] = {"pullTimeUpdateExclusions": [principal for _, principal in page]}
    return answer | ({"nextToken": token} if token else {})


def _settings(request: Request) -> RegistrySettings:
    return request.registry.settings_of(request.backend.region_name, request.backend.account_id)


def _prefix(request: Request) -> str:
    prefix = request.parameters.get("prefix")
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise invalid("prefix", f"must satisfy regular expression '{_PREFIX.pattern}'")
    return prefix


def _principal(request: Request) -> str:
    principal = request.parameters.get("principalArn")
    if not isinstance(principal, str) or not _PRINCIPAL.fullmatch(principal):
        raise invalid("principalArn", f"must satisfy regular expression '{_PRINCIPAL.pattern}'")
    return principal


def _template(request: Request) -> dict[str, Any]:
    prefix = _prefix(request)
    template = _settings(request).templates.get(prefix)
    if template is None:
        raise missing_template(prefix, request.backend.account_id)
    return template


def _members(request: Request) -> dict[str, Any]:
    members = {name: request.parameters[name] for name in _TEMPLATE_MEMBERS if name in request.parameters}
    if not set(members.get("appliedFor", ())) <= set(CREATION_SCENARIOS):
        raise invalid("appliedFor", f"Member must satisfy enum value set: [{', '.join(CREATION_SCENARIOS)}]")
    if policy := members.get("lifecyclePolicy"):
        check_policy(policy)
    return members


def _answer(request: Request, template: Mapping[str, Any]) -> dict[str, Any]:
    return {"registryId": request.backend.account_id, "repositoryCreationTemplate": dict(template)}

"""The operations of ECR on account settings and pull-through cache rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from airflow_provider_ecr_preview.local.paging import invalid, page_after
from airflow_provider_ecr_preview.local.registry_settings import RegistrySettings
from airflow_provider_ecr_preview.local.request import Request

ACCOUNT_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "BLOB_MOUNTING": ("DISABLED", "ENABLED"),
    "REGISTRY_POLICY_SCOPE": ("V2",),
}
"""The values that ECR accepts for every account setting; the first one is the initial value here."""

MAX_PER_PAGE = 1_000

UPSTREAMS: Mapping[str, str] = {
    r"public\.ecr\.aws": "ecr-public",
    r"quay\.io": "quay",
    r"registry\.k8s\.io": "k8s",
    r"registry-1\.docker\.io": "docker-hub",
    r"ghcr\.io": "github-container-registry",
    r"[a-z0-9]+\.azurecr\.io": "azure-container-registry",
    r"registry\.gitlab\.com": "gitlab-container-registry",
    r"cgr\.dev": "chainguard",
    r"[0-9]{12}\.dkr[.-]ecr\.[a-z0-9-]+\.[a-z.]+": "ecr",
}
"""The upstream registries by the form of their URL."""

_PREFIX = re.compile(r"([a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*/?|ROOT)")

_UPDATABLE = ("credentialArn", "customRoleArn")


def get_account_setting(request: Request) -> dict[str, Any]:
    """Return the value of an account setting."""
    name = _setting(request)
    return {"name": name, "value": _settings(request).account_settings.get(name, ACCOUNT_SETTINGS[name][0])}


def put_account_setting(request: Request) -> dict[str, Any]:
    """Change an account setting. It is kept, and changes nothing else."""
    name, value = _setting(request), request.parameters["value"]
    if value not in ACCOUNT_SETTINGS[name]:
        raise invalid("value", f"Member must satisfy enum value set: [{', '.join(ACCOUNT_SETTINGS[name])}]")
    _settings(request).account_settings[name] = value
    return {"name": name, "value": value}


def create_pull_through_cache_rule(request: Request) -> dict[str, Any]:
    """Create a rule that caches the images of another registry."""
    parameters, rules = request.parameters, _settings(request).cache_rules
    prefix, url = parameters["ecrRepositoryPrefix"], parameters["upstreamRegistryUrl"]
    if not _PREFIX.fullmatch(prefix):
        raise invalid("ecrRepositoryPrefix", f"must satisfy regular expression '{_PREFIX.pattern}'")
    if prefix in rules:
        raise ServiceException(
            "PullThroughCacheRuleAlreadyExistsException",
            f"A pull through cache rule with the prefix '{prefix}' already exists in the registry with id "
            f"'{request.backend.account_id}'",
        )
    upstream = next((name for form, name in UPSTREAMS.items() if re.fullmatch(form, url)), None)
    if upstream is None or parameters.get("upstreamRegistry", upstream) != upstream:
        raise ServiceException(
            "UnsupportedUpstreamRegistryException", f"The upstream registry '{url}' is not supported"
        )
    now = request.registry.now.timestamp()
    given = {name: parameters[name] for name in (*_UPDATABLE, "upstreamRepositoryPrefix") if name in parameters}
    rule = {
        "ecrRepositoryPrefix": prefix,
        "upstreamRegistryUrl": url,
        "upstreamRegistry": upstream,
        "registryId": request.backend.account_id,
        "createdAt": now,
        **given,
    }
    rules[prefix] = {**rule, "updatedAt": now}
    return rule


def update_pull_through_cache_rule(request: Request) -> dict[str, Any]:
    """Change the credentials or the role of a rule."""
    rule = _rule(request, request.parameters["ecrRepositoryPrefix"])
    rule |= {name: request.parameters[name] for name in _UPDATABLE if name in request.parameters}
    rule["updatedAt"] = request.registry.now.timestamp()
    return _without(rule, "createdAt", "upstreamRegistry", "upstreamRegistryUrl")


def delete_pull_through_cache_rule(request: Request) -> dict[str, Any]:
    """Delete a rule, and return it. The repositories that it created stay."""
    rule = _rule(request, request.parameters["ecrRepositoryPrefix"])
    del _settings(request).cache_rules[rule["ecrRepositoryPrefix"]]
    return _without(rule, "updatedAt", "upstreamRegistry")


def describe_pull_through_cache_rules(request: Request) -> dict[str, Any]:
    """Return one page of the rules, or those with the named prefixes."""
    prefixes = request.parameters.get("ecrRepositoryPrefixes")
    for prefix in prefixes or ():
        _rule(request, prefix)
    page, token = page_after(
        list(enumerate(_settings(request).cache_rules.values())),
        request.parameters,
        largest=MAX_PER_PAGE,
        serial=lambda entry: entry[0],
        wanted=lambda entry: not prefixes or entry[1]["ecrRepositoryPrefix"] in prefixes,
    )
    answer: dict[str, Any] = {"pullThroughCacheRules": [rule for _, rule in page]}
    return answer | ({"nextToken": token} if token else {})


def _settings(request: Request) -> RegistrySettings:
    return request.registry.settings_of(request.backend.region_name, request.backend.account_id)


def _setting(request: Request) -> str:
    name = str(request.parameters["name"])
    if name not in ACCOUNT_SETTINGS:
        raise invalid("name", f"Member must satisfy enum value set: [{', '.join(ACCOUNT_SETTINGS)}]")
    return name


def _rule(request: Request, prefix: str) -> dict[str, Any]:
    rule = _settings(request).cache_rules.get(prefix)
    if rule is None:
        raise ServiceException(
            "PullThroughCacheRuleNotFoundException",
            f"The pull through cache rule with the prefix '{prefix}' does not exist in the registry with id "
            f"'{request.backend.account_id}'",
        )
    return rule


def _without(rule: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name not in names}

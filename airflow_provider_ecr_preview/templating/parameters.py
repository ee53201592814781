"""The rule of every parameter that operators share, by its name, with which constants are checked when a DAG is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

from airflow_provider_ecr_preview.aws.arguments import MAX_PAGE_SIZE, TAG_STATUSES, check_botocore_config
from airflow_provider_ecr_preview.aws.partitions import is_region
from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgements, names_a_file
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.in_use.scope import required_scope_of
from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from airflow_provider_ecr_preview.core.parameters.forms import refuse, shown
from airflow_provider_ecr_preview.core.parameters.times import MAX_DAYS, days, duration, moment, seconds
from airflow_provider_ecr_preview.core.parameters.values import (
    account_id,
    choice,
    decoded,
    given,
    integer,
    limit,
    mapping,
    number,
    switch,
    text,
    texts,
    tls_verification,
)
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.protection.pattern_validation import tag_globs, tag_patterns
from airflow_provider_ecr_preview.core.selection import RepositorySelection, name_globs
from airflow_provider_ecr_preview.core.text.secrets import refuse_secrets

_NAME_CHARACTERS = re.compile(r"[a-z0-9._/-]+")


Rule = Callable[..., Any]
"""Reads a value: takes the value, the name of its parameter, and ``default``; raises ValueError if it is not valid."""


def region(value: Any, parameter: str, default: Any = None) -> Any:
    """Return the name of a Region that a DAG file names.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises ValueError: if AWS has no such Region.
    """
    name = text(value, parameter, default)
    if isinstance(name, str) and not is_region(name):
        refuse(
            value,
            parameter,
            "AWS has no such Region. Use a name such as 'eu-west-1'; a newer Region needs a newer botocore",
        )
    return name


def regions(value: Any, parameter: str, default: Any = (), *, protects: bool = False) -> Any:
    """Return the names of Regions that a DAG file names.

    :param value: the value of the parameter, any form of a list.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is empty, or AWS has no such Region.
    """
    if given(value, parameter, protects=protects) is None:
        return default
    names = texts(value, parameter, protects=protects)
    if not names:
        raise ValueError(
            f"{parameter} is empty. Name a Region, or leave {parameter} out to use the Region of the connection."
        )
    for name in names:
        region(name, parameter)
    return names


def policy(value: Any, parameter: str, default: Any = None) -> Any:
    """Return a lifecycle policy that a DAG file contains.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises InvalidLifecyclePolicyError: if ECR would refuse it.
    """
    source = given(value, parameter)
    if source is None:
        return default
    errors = [finding for finding in lint_policy(source) if finding.severity == "error"]
    if errors:
        raise InvalidLifecyclePolicyError(errors)
    return source


def policies(value: Any, parameter: str, default: Any = None) -> Any:
    """Return lifecycle policies by name that a DAG file contains.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises InvalidLifecyclePolicyError: if ECR would refuse one.
    """
    CandidatePolicies(None, mapping(value, parameter))
    return default if value is None else value


def path(value: Any, parameter: str, default: Any = None) -> Any:
    """Return a path that a DAG file contains.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises ValueError: if it is not a text, or contains a secret.
    """
    place = text(value, parameter, default)
    if isinstance(place, str):
        refuse_secrets(place, parameter)
    return place


def _file(value: Any, parameter: str, default: Any = None) -> Any:
    place = path(value, parameter, default)
    if isinstance(place, str) and place.endswith("/"):
        raise ValueError(f"{parameter} is {place!r}, which is a folder. Name a file in it, such as images.jsonl.gz.")
    return place


def _written_switch(value: Any, parameter: str, default: Any = None) -> Any:
    """Return a boolean that cannot come from a template; any text counts as true in Python."""
    if value is not None and not isinstance(value, bool):
        refuse(value, parameter, "Use True or False; this parameter is not templated")
    return default if value is None else value


def _repository_name(value: Any, parameter: str, default: Any = None) -> Any:
    name = text(value, parameter, default)
    if isinstance(name, str):
        _check_name(name, parameter)
    return name


def _texts(value: Any, parameter: str, default: Any = None) -> Any:
    return texts(value, parameter, default or ())


def _repository_names(value: Any, parameter: str, default: Any = None) -> Any:
    names = texts(value, parameter, default or ())
    for name in names:
        _check_name(name, parameter)
    return names


def _check_name(name: str, parameter: str) -> None:
    if not _NAME_CHARACTERS.fullmatch(name):
        raise ValueError(
            f"{parameter} has {shown(name)}, which is not a repository name: lower-case letters, digits and . _ - /. "
            "Leave out the registry's host name and the tag."
        )


def _names(value: Any, parameter: str, default: Any = None) -> Any:
    names = texts(value, parameter, default or (), protects=True)
    if not names:
        raise ValueError(f"{parameter} is empty; name at least one, or leave it out.")
    return names


def _expected_policies(value: Any, parameter: str, default: Any = None) -> Any:
    if (value is not None and not isinstance(value, str | Mapping | Sequence)) or isinstance(value, bytes):
        refuse(value, parameter, "Give a folder, files, or a mapping of names to files")
    return default if value is None else value


def _tags(value: Any, parameter: str, default: Any = None) -> Any:
    RepositorySelection.of(tags=mapping(value, parameter))
    return default if value is None else value


def _no_default(read: Callable[[Any, str], Any]) -> Rule:
    def rule(value: Any, parameter: str, default: Any = None) -> Any:
        return default if value is None else read(value, parameter)

    return rule


def _positive(value: Any, parameter: str, default: Any = None, **bounds: Any) -> Any:
    return integer(value, parameter, default, minimum=1, **bounds)


def _count(value: Any, parameter: str, default: Any = None) -> Any:
    return integer(value, parameter, default, protects=True)


def _safe_switch(value: Any, parameter: str, default: Any = None) -> Any:
    return switch(value, parameter, default, protects=True)


def _safe_texts(value: Any, parameter: str, default: Any = None) -> Any:
    return texts(value, parameter, default or (), protects=True)


safe_days: Rule = partial(days, protects=True)
"""The rule of a number of days that protects images."""


def _acknowledged_findings(value: Any, parameter: str, default: Any = None) -> Any:
    """Check entries that a DAG file lists; a file that it names instead is read at run time."""
    read = given(value, parameter)
    if names_a_file(read):
        return default
    # Whether an entry has ended is for the day of the run.
    return Acknowledgements.of(read, date.min)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "acknowledged_findings": _acknowledged_findings,
        "airflow_conn_id": partial(text, protects=True),
        "airflow_history_days": partial(number, minimum=1, protects=True),
        "airflow_operators": _texts,
        "alarm_count": integer,
        "alarm_share": number,
        "approvals_path": path,
        "archive_price_per_gb_month": number,
        "audit_id": text,
        "audit_name": text,
        "aws_conn_ids": _names,
        "batch_size": _positive,
        "botocore_config": _no_default(check_botocore_config),
        "check_in_use": _safe_switch,
        "check_only": _safe_switch,
        "check_referrers": _safe_switch,
        "check_registry": switch,
        "check_replicas": _safe_switch,
        "check_tags": _safe_switch,
        "deferrable": _written_switch,
        "dry_run": _safe_switch,
        "end_time": moment,
        "enrich": switch,
        "exclude": _no_default(name_globs),
        "expected_policies": _expected_policies,
        "fail_on_alarm": switch,
        "failure_retry_delay": seconds,
        "former_policies_path": path,
        "ignored_findings": _safe_texts,
        "ignored_references": _texts,
        "image_ids": decoded,
        "image_quota": _positive,
        "images_path": _file,
        "in_use_path": path,
        "include": _no_default(name_globs),
        "lifecycle_policies": policies,
        "lifecycle_policy_text": policy,
        "max_bytes": partial(limit, read=integer),
        "max_bytes_per_run": partial(limit, read=integer),
        "max_images": partial(limit, read=integer),
        "max_images_per_run": partial(limit, read=integer),
        "max_in_flight": _positive,
        "max_items": _positive,
        "max_newly_affected": integer,
        "max_preview_age": partial(limit, read=duration),
        "max_share": partial(limit, read=number, maximum=1),
        "max_workers": _positive,
        "measure_storage": switch,
        "min_age_days": safe_days,
        "minimum_images_left": _count,
        "newest_images_kept": _count,
        "outage_timeout": seconds,
        "owner_tag": text,
        "page_size": partial(_positive, maximum=MAX_PAGE_SIZE),
        "policy_fingerprint": partial(text, protects=True),
        "poll_interval": seconds,
        "preview_restored": switch,
        "progress_interval": seconds,
        "protected_tag_patterns": tag_patterns,
        "protected_tags": tag_globs,
        "question_path": path,
        "read_manifests": switch,
        "recently_pulled_days": days,
        "region_name": region,
        "region_names": regions,
        "registry_id": account_id,
        "replay_days": days,
        "reports_path": path,
        "repository_name": _repository_name,
        "repository_names": _repository_names,
        "repository_timeout": seconds,
        "required_agreeing_previews": _count,
        "required_scope": _no_default(required_scope_of),
        "results_path": path,
        "retention_days": partial(integer, maximum=MAX_DAYS),
        "start_time": moment,
        "tag_status": partial(choice, choices=TAG_STATUSES),
        "tags": _tags,
        "timeout": seconds,
        "verify": _no_default(tls_verification),
        "wait_for_completion": switch,
        "with_applied": switch,
        "with_policy": switch,
        "write_image_lists": switch,
        "write_kept_images": switch,
    }
)
"""The rules by the names of the parameters; an operator adds its own as ``parameter_rules``."""

"""Whether reading a manifest records a pull: the pull-time update exclusions of a registry."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ASSUMED = re.compile(r"arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([^/]+)/.+")


def principal_of(caller_arn: str) -> str:
    """Return the ARN of the IAM role or user that a caller is, without the path of a role, which AWS does not return.

    :param caller_arn: ``Arn`` of GetCallerIdentity.
    """
    assumed = _ASSUMED.fullmatch(caller_arn)
    return f"arn:{assumed[1]}:iam::{assumed[2]}:role/{assumed[3]}" if assumed else caller_arn


def is_excluded(caller_arn: str, exclusions: Iterable[str]) -> bool:
    """Return whether ECR records no pulls of a caller.

    :param caller_arn: ``Arn`` of GetCallerIdentity.
    :param exclusions: the ARNs of ListPullTimeUpdateExclusions.
    """
    principal = principal_of(caller_arn)
    if principal == caller_arn:
        return caller_arn in exclusions
    start, _, name = principal.rpartition("/")
    # The name of a role is unique in its account, whatever its path.
    return any(arn.startswith(f"{start}/") and arn.rpartition("/")[2] == name for arn in exclusions)


def refusal(caller_arn: str, region_name: str) -> str:
    """Return why no manifest is read, with the call that adds the exclusion.

    :param caller_arn: ``Arn`` of GetCallerIdentity.
    :param region_name: the Region.
    """
    principal = principal_of(caller_arn)
    path = "" if principal == caller_arn else " (with the path of the role, if it has one)"
    return (
        f"read_manifests is set, and ECR in {region_name} would record a pull of every image whose manifest {principal} "
        "reads. Rules by last pull would then keep these images. No manifest was read. Exclude the role first, with an "
        f"administrator's credentials{path}: aws ecr register-pull-time-update-exclusion --principal-arn {principal} "
        f"--region {region_name}. Or leave out read_manifests."
    )

"""The stored bytes and their cost, in the XCom of a preview and of an audit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

OWNERS_SCHEMA = "ecr-lifecycle-owners/1"


MAX_OWNERS = 50


MAX_WASTEFUL = 20


class StorageXCom(TypedDict):
    """The stored images of repositories, and what they cost a month in US dollars.

    The price is that of the storage class and the Region. Bytes and costs are upper bounds, because images share
    layers.

    :param measured_repository_count: repositories in these sums.
    :param unmeasured_repository_count: repositories whose images were not read.
    :param unknown_size_image_count: images without a known size; they count as 0 bytes.
    :param leaving_bytes_upper_bound: what leaves within a day anyway, because the policy is applied.
    :param leaving_monthly_cost_usd: its cost.
    :param saved_bytes_upper_bound: what leaves if the candidate policy is applied.
    :param saved_monthly_cost_usd: its cost.
    :param never_pulled_image_count: images that stay and for which ECR has recorded no pull.
    :param never_pulled_bytes_upper_bound: their size.
    :param never_pulled_monthly_cost_usd: their cost.
    """

    measured_repository_count: int
    unmeasured_repository_count: int
    stored_image_count: int
    unknown_size_image_count: int
    stored_bytes_upper_bound: int
    archived_bytes_upper_bound: int
    monthly_cost_usd: float
    leaving_bytes_upper_bound: int
    leaving_monthly_cost_usd: float
    saved_bytes_upper_bound: int
    saved_monthly_cost_usd: float
    never_pulled_image_count: int
    never_pulled_bytes_upper_bound: int
    never_pulled_monthly_cost_usd: float


class OwnerCounts(StorageXCom):
    """The sums of the repositories of one owner.

    :param owner: ``""`` for repositories without the tag, null for those whose tags are not known.
    :param report_uri: the owner's report; null or missing without ``reports_path``, or if it does not fit.
    """

    owner: str | None
    repository_count: int
    without_policy_count: int
    failed_count: int
    expiring_image_count: int
    critical_finding_count: int
    warning_finding_count: int
    info_finding_count: int
    acknowledged_finding_count: NotRequired[int]
    report_uri: NotRequired[str | None]


class OwnersFile(TypedDict):
    """The file ``owners.json``: every owner of an audit with the address of its report.

    The owners with the highest cost come first.
    """

    schema: str
    audit_id: str
    audited_at: str
    owners: list[OwnerCounts]


class WastefulRepository(TypedDict):
    """One of the repositories that waste the most.

    :param saved_monthly_cost_usd: the cost of what leaves if the candidate policy is applied.
    :param never_pulled_monthly_cost_usd: the cost of images that stay and for which ECR has recorded no pull.
    """

    registry_id: str | None
    region_name: str | None
    repository_name: str
    owner: str | None
    status: Literal["previewed", "without_policy", "failed"]
    stored_bytes_upper_bound: int
    monthly_cost_usd: float
    leaving_monthly_cost_usd: float
    saved_monthly_cost_usd: float
    never_pulled_monthly_cost_usd: float

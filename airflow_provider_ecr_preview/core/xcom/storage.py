"""The stored bytes and their cost, in the XCom of a preview and of an audit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

OWNERS_SCHEMA = "ecr-lifecycle-owners/1"


MAX_OWNERS = 50


MAX_WASTEFUL = 20


class StorageXCom(TypedDict):
    """The stored images of repositories, and their cost in US dollars a month at the price of their storage class and Region.

    Bytes and costs are upper bounds, because layers are shared. ``measured_repository_count`` is the number of repositories
    in the sums, and ``unmeasured_repository_count`` of those whose images were not read; images without a known size count
    as 0 bytes and are in ``unknown_size_image_count``. ``leaving_`` goes within a day anyway, because the policy is applied;
    ``saved_`` goes if the candidate policy is applied. ``never_pulled_`` is kept by the policy, or by its absence, although
    ECR has recorded no pull.
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
    """The sums of the repositories of one owner; ``""`` owns those without the tag, null those whose tags are not known.

    ``report_uri`` is the owner's own report; absent or null without ``reports_path``, or where there was no room for it.
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
    """The file ``owners.json``: every owner of an audit, those with the highest cost first, each with the address of its report."""

    schema: str
    audit_id: str
    audited_at: str
    owners: list[OwnerCounts]


class WastefulRepository(TypedDict):
    """One of the repositories that waste the most: what a policy would save, and what is kept and was never pulled."""

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

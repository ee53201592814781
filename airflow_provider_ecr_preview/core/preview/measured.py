"""Measure the stored images of one repository: all of them, those that go, and those that stay and were never pulled."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.money.prices import Prices
from airflow_provider_ecr_preview.core.money.storage import Part, Storage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.referrers import ImageKind
from airflow_provider_ecr_preview.core.repository import DigestKey


def measured(
    inventory: RepositoryInventory,
    actions: Mapping[DigestKey, str],
    *,
    prices: Prices,
    region_name: str | None,
    is_applied: bool,
) -> Storage:
    """Return the stored images of a repository and their cost.

    Signatures and the like count as stored; as they go with their image, they never count as never pulled.

    :param inventory: all its images.
    :param actions: the action of the previewed policy on each affected image; none if there is no policy.
    :param prices: the prices.
    :param region_name: its Region.
    :param is_applied: whether the previewed policy is the applied one.
    """
    stored, expiring, never_pulled = Part(), Part(), Part()
    for key, detail, kind in inventory.entries():
        part = detail.image_size_in_bytes, detail.storage_class
        stored.add(*part)
        if actions.get(key) == EXPIRE:
            expiring.add(*part)
        elif detail.last_recorded_pull_time is None and kind is not ImageKind.REFERRER:
            never_pulled.add(*part)
    return Storage.of(stored, expiring, never_pulled, prices=prices, region_name=region_name, is_applied=is_applied)

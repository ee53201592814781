"""Add up stored images and their cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, cast

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE
from airflow_provider_ecr_preview.core.money.prices import MICROS, Prices
from airflow_provider_ecr_preview.core.xcom.storage import StorageXCom


@dataclass(slots=True)
class Part:
    """Some of the stored images.

    :param standard_bytes: known bytes in the storage class ``STANDARD``.
    :param archived_bytes: known bytes in the storage class ``ARCHIVE``.
    :param images: number of images.
    :param unknown_sizes: number of images whose size is not known.
    """

    standard_bytes: int = 0
    archived_bytes: int = 0
    images: int = 0
    unknown_sizes: int = 0

    def add(self, size: int | None, storage_class: str) -> None:
        """Count one image.

        :param size: its bytes; None if unknown.
        :param storage_class: ``STANDARD`` or ``ARCHIVE``.
        """
        self.images += 1
        if size is None:
            self.unknown_sizes += 1
        elif storage_class == ARCHIVE:
            self.archived_bytes += size
        else:
            self.standard_bytes += size

    @property
    def known_bytes(self) -> int:
        """The bytes in both storage classes."""
        return self.standard_bytes + self.archived_bytes

    def micros(self, prices: Prices, region_name: str | None) -> int:
        """Return the cost for a month, in millionths of a US dollar.

        :param prices: the prices.
        :param region_name: the Region.
        """
        return prices.micros(self.standard_bytes, "STANDARD", region_name) + prices.micros(
            self.archived_bytes, ARCHIVE, region_name
        )


@dataclass(slots=True)
class Storage:
    """Sums of stored images over repositories. :class:`~airflow_provider_ecr_preview.core.xcom.storage.StorageXCom` explains each."""

    measured: int = 0
    unmeasured: int = 0
    images: int = 0
    unknown_sizes: int = 0
    stored_bytes: int = 0
    archived_bytes: int = 0
    cost: int = 0
    leaving_bytes: int = 0
    leaving_cost: int = 0
    saved_bytes: int = 0
    saved_cost: int = 0
    never_pulled_images: int = 0
    never_pulled_bytes: int = 0
    never_pulled_cost: int = 0

    @classmethod
    def of(
        cls,
        stored: Part,
        expiring: Part,
        never_pulled: Part,
        *,
        prices: Prices,
        region_name: str | None,
        is_applied: bool,
    ) -> Storage:
        """Return the sums of one repository.

        :param stored: all its images.
        :param expiring: those that the previewed policy deletes.
        :param never_pulled: those that stay and that ECR has recorded no pull of.
        :param prices: the prices.
        :param region_name: its Region.
        :param is_applied: whether the previewed policy is the applied one, so that the images go anyway.
        """
        going, going_cost = expiring.known_bytes, expiring.micros(prices, region_name)
        return cls(
            measured=1,
            images=stored.images,
            unknown_sizes=stored.unknown_sizes,
            stored_bytes=stored.known_bytes,
            archived_bytes=stored.archived_bytes,
            cost=stored.micros(prices, region_name),
            leaving_bytes=going if is_applied else 0,
            leaving_cost=going_cost if is_applied else 0,
            saved_bytes=0 if is_applied else going,
            saved_cost=0 if is_applied else going_cost,
            never_pulled_images=never_pulled.images,
            never_pulled_bytes=never_pulled.known_bytes,
            never_pulled_cost=never_pulled.micros(prices, region_name),
        )

    @property
    def wasted_cost(self) -> int:
        """What could be saved: by applying the candidate, and by deleting what is kept and was never pulled."""
        return self.saved_cost + self.never_pulled_cost

    def __add__(self, other: Storage) -> Self:
        return type(self)(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Storage)))

    def as_dict(self) -> StorageXCom:
        """Return the sums under the XCom contract."""
        return StorageXCom(
            measured_repository_count=self.measured,
            unmeasured_repository_count=self.unmeasured,
            stored_image_count=self.images,
            unknown_size_image_count=self.unknown_sizes,
            stored_bytes_upper_bound=self.stored_bytes,
            archived_bytes_upper_bound=self.archived_bytes,
            monthly_cost_usd=self.cost / MICROS,
            leaving_bytes_upper_bound=self.leaving_bytes,
            leaving_monthly_cost_usd=self.leaving_cost / MICROS,
            saved_bytes_upper_bound=self.saved_bytes,
            saved_monthly_cost_usd=self.saved_cost / MICROS,
            never_pulled_image_count=self.never_pulled_images,
            never_pulled_bytes_upper_bound=self.never_pulled_bytes,
            never_pulled_monthly_cost_usd=self.never_pulled_cost / MICROS,
        )

    @classmethod
    def from_dict(cls, value: StorageXCom | Mapping[str, Any] | None) -> Storage:
        """Return the sums that :meth:`as_dict` gave; those of a repository that was not measured for None."""
        if value is None:
            return cls(unmeasured=1)
        known = cast("StorageXCom", value)
        return cls(
            measured=known["measured_repository_count"],
            unmeasured=known["unmeasured_repository_count"],
            images=known["stored_image_count"],
            unknown_sizes=known["unknown_size_image_count"],
            stored_bytes=known["stored_bytes_upper_bound"],
            archived_bytes=known["archived_bytes_upper_bound"],
            cost=_micros(known["monthly_cost_usd"]),
            leaving_bytes=known["leaving_bytes_upper_bound"],
            leaving_cost=_micros(known["leaving_monthly_cost_usd"]),
            saved_bytes=known["saved_bytes_upper_bound"],
            saved_cost=_micros(known["saved_monthly_cost_usd"]),
            never_pulled_images=known["never_pulled_image_count"],
            never_pulled_bytes=known["never_pulled_bytes_upper_bound"],
            never_pulled_cost=_micros(known["never_pulled_monthly_cost_usd"]),
        )


def _micros(dollars: float) -> int:
    return round(dollars * MICROS)

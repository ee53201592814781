"""The faults that tests inject, and the calls that they hit."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Self

from moto.core.utils import get_service_model

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.event_history import LOOKUP_EVENTS
from airflow_provider_ecr_preview.local.faults import Fault

OF_OTHER_SERVICES = (
    LOOKUP_EVENTS,
    "DescribeInferenceComponent",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "ListInferenceComponents",
    "ListServiceDeployments",
)
"""The operations of other services that the local ECR answers itself, so that faults can hit them."""


class Injection:
    """A fault and the calls that it hits. As a context manager, it ends with the block.

    :param fault: the fault.
    :param operation: the operation that it hits; None for the default of the fault, or else every operation of ECR.
    :param repository: the repository that it hits; None for all.
    :param region: the Region that it hits; None for all.
    :param calls: how many calls it hits; None for no limit.
    :param skip: how many matching calls to let pass before the first hit.
    :param share: the share of the calls that it hits, from 0 to 1.
    :param seed: seed of the share.
    :raises ValueError: if ECR has no such operation, and it is not ``LookupEvents`` of CloudTrail.
    """

    def __init__(
        self,
        fault: Fault,
        *,
        operation: str | None = None,
        repository: str | None = None,
        region: str | None = None,
        calls: int | None = 1,
        skip: int = 0,
        share: float = 1.0,
        seed: int = 0,
    ) -> None:
        operation = operation or fault.operation
        if operation not in (None, *OF_OTHER_SERVICES, *get_service_model("ecr").operation_names):
            raise ValueError(f"ECR has no operation {operation!r}; write it like 'GetLifecyclePolicyPreview'.")
        self.fault = fault
        self.operation = operation
        self.repository = repository
        self.region = region
        self.hits = 0
        """Number of calls that it has hit."""
        self.removed = False
        self._calls = calls
        self._skip = skip
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  # repeatable, not secret
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Stop hitting calls."""
        self.removed = True

    def takes(self, call: Call) -> bool:
        """Return whether it hits this call, and count it."""
        if (
            self.removed
            or self.operation not in (None if call.service == "ecr" else call.operation, call.operation)
            or self.repository not in (None, call.repository)
            or self.region not in (None, call.region)
        ):
            return False
        with self._lock:
            if self._skip:
                self._skip -= 1
                return False
            if self._calls is not None and self.hits >= self._calls:
                return False
            is_hit = self._share >= 1 or self._random.random() < self._share
            self.hits += is_hit
            return is_hit


class Injections:
    """The active faults, in the order of injection."""

    def __init__(self) -> None:
        self._injections: list[Injection] = []

    def add(self, injection: Injection) -> Injection:
        """Activate a fault."""
        self._injections = [other for other in self._injections if not other.removed] + [injection]
        return injection

    def clear(self) -> None:
        """Remove all faults."""
        self._injections = []

    def hitting(self, call: Call) -> Iterator[Fault]:
        """Yield the faults that hit a call."""
        return (injection.fault for injection in self._injections if injection.takes(call))

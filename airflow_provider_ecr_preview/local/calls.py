"""Record every call to the local ECR, so that a test can prove which calls were made and which were not."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_CALLS = 200_000
"""Beyond this number, the oldest calls are dropped, so that a server can run for weeks."""


_ACCOUNT_OF_ARN = 4


_READS = ("BatchCheck", "BatchGet", "Describe", "Get", "Head", "List")


@dataclass(slots=True)
class Call:
    """A call and its outcome.

    :param operation: for example ``StartLifecyclePolicyPreview``; for services with another protocol, method and path.
    :param repository: ``repositoryName`` of the request, or None.
    :param region: the Region that the caller signed for.
    :param parameters: the request; not kept for other services.
    :param service: ``ecr``, or the other service that was called.
    :param account: the account of the caller.
    :param outcome: ``OK``, an error code, or the name of the fault that hit it.
    """

    operation: str
    repository: str | None
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    service: str = "ecr"
    account: str | None = None
    outcome: str = "OK"

    @property
    def registry(self) -> str:
        """The account whose registry the call is for: that of ``registryId``, of the resource's ARN, or the caller's."""
        if named := self.parameters.get("registryId"):
            return str(named)
        arn = str(self.parameters.get("resourceArn", "")).split(":")
        return arn[_ACCOUNT_OF_ARN] if arn[0] == "arn" and len(arn) > _ACCOUNT_OF_ARN else self.account or ""

    @property
    def is_mutating(self) -> bool:
        """Whether an operation of ECR changes a registry; starting a preview does not."""
        return not self.operation.startswith(_READS) and self.operation != "StartLifecyclePolicyPreview"


class CallLog:
    """The calls, in the order of arrival."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"<CallLog {dict(self.operations)}>"

    def record(self, call: Call) -> None:
        """Append a call."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()

    def of(
        self,
        operation: str | None = None,
        *,
        repository: str | None = None,
        region: str | None = None,
        outcome: str | None = None,
        service: str = "ecr",
    ) -> list[Call]:
        """Return the calls that match all given parameters.

        :param operation: the operation.
        :param repository: the repository.
        :param region: the Region.
        :param outcome: ``OK``, an error code, or the name of a fault.
        :param service: the service.
        """
        return [
            call
            for call in self
            if call.service == service
            and operation in (None, call.operation)
            and repository in (None, call.repository)
            and region in (None, call.region)
            and outcome in (None, call.outcome)
        ]

    def count(self, operation: str | None = None, **where: str) -> int:
        """Return the number of calls that match; the parameters are those of :meth:`of`."""
        return len(self.of(operation, **where))

    @property
    def operations(self) -> Counter[str]:
        """Number of calls by operation, of ECR only."""
        return Counter(call.operation for call in self if call.service == "ecr")

    @property
    def outcomes(self) -> Counter[str]:
        """Number of calls by outcome, of ECR only."""
        return Counter(call.outcome for call in self if call.service == "ecr")

    @property
    def mutating(self) -> list[Call]:
        """The calls of ECR that change a registry; starting, reading and listing previews are not among them."""
        return [call for call in self if call.service == "ecr" and call.is_mutating]

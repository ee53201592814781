"""Answer LookupEvents from the event history of the local CloudTrail, which moto lacks."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import ServiceException

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.paging import read_token, write_token
from airflow_provider_ecr_preview.local.reply import Reply

LOOKUP_EVENTS = "LookupEvents"


MAX_LOOKED_UP = 50


MAX_LATER = 1_000


MAX_IMAGES_OF_LATER = 200_000


_OF_ATTRIBUTE: Mapping[str, str] = {
    "EventId": "eventID",
    "EventName": "eventName",
    "EventSource": "eventSource",
}


@dataclass(frozen=True, slots=True)
class HistoricEvent:
    """An event of the history.

    :param account: the account that it happened in.
    :param region: the Region that it happened in.
    :param happened_at: when it happened (aware).
    :param record: the event as CloudTrail stores it, or any other text.
    """

    account: str
    region: str
    happened_at: datetime
    record: Mapping[str, Any] | str

    def matches(self, attribute: Mapping[str, str]) -> bool:
        """Return whether the event matches an attribute of a look-up."""
        if isinstance(self.record, str):
            return True
        key = _OF_ATTRIBUTE.get(attribute["AttributeKey"], "")
        return self.record.get(key) == attribute["AttributeValue"]

    def as_entry(self) -> dict[str, Any]:
        """Return the entry of LookupEvents' ``Events``."""
        record = self.record
        if isinstance(record, str):
            return {"EventId": str(uuid.uuid4()), "EventTime": self.happened_at.timestamp(), "CloudTrailEvent": record}
        return {
            "EventId": record.get("eventID", ""),
            "EventName": record.get("eventName", ""),
            "EventSource": record.get("eventSource", ""),
            "EventTime": self.happened_at.timestamp(),
            "ReadOnly": str(record.get("readOnly", True)).lower(),
            "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }


class _Later:
    """Events that are built when they are first read, because most never are.

    :param account: the account that they happened in.
    :param region: the Region that they happened in.
    :param name: their ``eventName``.
    :param size: number of images that they list.
    :param build: returns them, or None while they have not happened yet.
    """

    def __init__(
        self, account: str, region: str, name: str, size: int, build: Callable[[], Iterable[HistoricEvent] | None]
    ) -> None:
        self.account, self.region, self.name, self.size = account, region, name, size
        self._build = build
        self._events: list[HistoricEvent] | None = None

    def events(self) -> list[HistoricEvent]:
        """Return the events that have happened."""
        if self._events is None and (built := self._build()) is not None:
            self._events = list(built)
        return self._events or []


class EventHistory:
    """The events that CloudTrail reports."""

    def __init__(self) -> None:
        self._events: list[HistoricEvent] = []
        self._later: deque[_Later] = deque(maxlen=MAX_LATER)

    def __iter__(self) -> Iterator[HistoricEvent]:
        later = [event for events in list(self._later) for event in events.events()]
        return iter([*self._events, *later])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def record(self, event: HistoricEvent) -> None:
        """Append an event."""
        self._events.append(event)

    def record_later(
        self, account: str, region: str, name: str, size: int, build: Callable[[], Iterable[HistoricEvent] | None]
    ) -> None:
        """Append events that are built when they are first read.

        The oldest are dropped, so that a server can run for weeks: at most 1,000 are kept, with 200,000 images in all.

        :param account: the account that they happen in.
        :param region: the Region that they happen in.
        :param name: their ``eventName``.
        :param size: number of images that they list.
        :param build: returns them, or None while they have not happened yet.
        """
        self._later.append(_Later(account, region, name, size, build))
        while len(self._later) > 1 and sum(later.size for later in self._later) > MAX_IMAGES_OF_LATER:
            self._later.popleft()

    def clear(self) -> None:
        """Forget everything."""
        self._events.clear()
        self._later.clear()

    def _of(self, account: str, region: str, attributes: Iterable[Mapping[str, str]]) -> Iterator[HistoricEvent]:
        names = {attribute["AttributeValue"] for attribute in attributes if attribute["AttributeKey"] == "EventName"}
        yield from self._events
        for later in list(self._later):
            if (later.account, later.region) == (account, region) and names in (set(), {later.name}):
                yield from later.events()

    def look_up(self, account: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of LookupEvents, the latest event first.

        :param account: the account of the caller.
        :param region: the Region of the request.
        :param parameters: the request.
        :raises ServiceException: if CloudTrail would refuse it.
        """
        size, start = parameters.get("MaxResults", MAX_LOOKED_UP), parameters.get("StartTime", 0)
        if not 1 <= size <= MAX_LOOKED_UP:
            raise ServiceException("InvalidMaxResultsException", f"MaxResults is not between 1 and {MAX_LOOKED_UP}")
        end = parameters.get("EndTime", float("inf"))
        if start > end:
            raise ServiceException("InvalidTimeRangeException", "The start time is after the end time")
        attributes = parameters.get("LookupAttributes", ())
        found = [
            event
            for event in self._of(account, region, attributes)
            if (event.account, event.region) == (account, region)
            and start <= int(event.happened_at.timestamp()) <= end
            and all(map(event.matches, attributes))
        ]
        found.sort(key=lambda event: event.happened_at, reverse=True)
        first = read_token(parameters["NextToken"], int)[0] if parameters.get("NextToken") else 0
        answer: dict[str, Any] = {"Events": [event.as_entry() for event in found[first : first + size]]}
        if first + size < len(found):
            answer["NextToken"] = write_token(first + size)
        return answer


def lookup_events(
    history: EventHistory, faulty: Callable[[Call, Callable[[], Reply]], Reply]
) -> Callable[[CloudTrailResponse], tuple[int, dict[str, str], bytes]]:
    """Return the method of moto's CloudTrail that answers LookupEvents.

    :param history: the event history.
    :param faulty: runs an operation with the faults that hit a call.
    """

    def answer(response: CloudTrailResponse) -> tuple[int, dict[str, str], bytes]:
        account, region = response.current_account, response.region
        parameters = json.loads(response.body or "{}")
        call = Call(LOOKUP_EVENTS, None, region, parameters, service="cloudtrail", account=account)

        def run() -> Reply:
            try:
                return Reply.ok(history.look_up(account, region, parameters))
            except ServiceException as error:
                return Reply.error(error.code, error.message)

        reply = faulty(call, run)
        # moto reads the status from the headers.
        return reply.status, {**reply.headers, "status": str(reply.status)}, reply.body

    return answer

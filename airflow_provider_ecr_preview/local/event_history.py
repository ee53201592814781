"""The event history of the local CloudTrail, which moto has not: what LookupEvents answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
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
    :param record: the event as CloudTrail keeps it, or a text that is none.
    """

    account: str
    region: str
    happened_at: datetime
    record: Mapping[str, Any] | str

    def matches(self, attribute: Mapping[str, str]) -> bool:
        """Return whether it has an attribute of a look-up."""
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


class EventHistory:
    """What happened, as CloudTrail tells it."""

    def __init__(self) -> None:
        self._events: list[HistoricEvent] = []

    def __iter__(self) -> Iterator[HistoricEvent]:
        return iter(list(self._events))

    def __len__(self) -> int:
        return len(self._events)

    def record(self, event: HistoricEvent) -> None:
        """Append an event."""
        self._events.append(event)

    def clear(self) -> None:
        """Forget everything."""
        self._events.clear()

    def look_up(self, account: str, region: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return what LookupEvents answers, the latest event first.

        :param account: the account of the caller.
        :param region: the Region that is asked.
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
            for event in self
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
    history: EventHistory, refusal: Callable[[Call], Reply | None]
) -> Callable[[CloudTrailResponse], tuple[int, dict[str, str], bytes]]:
    """Return the method of moto's CloudTrail that answers LookupEvents.

    :param history: what happened.
    :param refusal: returns the reply of a fault that comes in the place of the answer.
    """

    def answer(response: CloudTrailResponse) -> tuple[int, dict[str, str], bytes]:
        account, region = response.current_account, response.region
        parameters = json.loads(response.body or "{}")
        call = Call(LOOKUP_EVENTS, None, region, parameters, service="cloudtrail", account=account)
        reply = refusal(call)
        if reply is None:
            try:
                reply = Reply.ok(history.look_up(account, region, parameters))
            except ServiceException as error:
                reply = Reply.error(error.code, error.message)
        # moto takes the status from the headers.
        return reply.status, {**reply.headers, "status": str(reply.status)}, reply.body

    return answer

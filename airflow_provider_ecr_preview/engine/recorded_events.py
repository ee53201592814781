"""Read events from CloudTrail so that a retry reads only those that the last attempt did not reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.progress import Progress
from airflow_provider_ecr_preview.core.reconciliation.execution import (
    EVENT_NAME,
    PolicyExecution,
    UnreadExecution,
    parse_execution,
)
from airflow_provider_ecr_preview.core.reconciliation.image_calls import EVENT_NAMES, ImageCall, parse_image_calls
from airflow_provider_ecr_preview.hooks.lifecycle_events import EcrLifecycleEventsHook

MAX_AGE = 3600.0
"""How long ago a reading may have begun for the next attempt to continue it, in seconds."""


_KEPT = ("EventId", "CloudTrailEvent")
"""The members of an entry that are used."""


_SECOND = timedelta(seconds=1)
"""CloudTrail has whole seconds, and a page may end between two events of one second."""


@dataclass(frozen=True)
class RecordedEvents:
    """Reads events of one Region, and keeps each page.

    CloudTrail lists the latest events first, so the next attempt looks up the events before the last one that was kept.

    :param hook: reads the events.
    :param region_name: the Region.
    :param progress: keeps the pages.
    """

    hook: EcrLifecycleEventsHook
    region_name: str
    progress: Progress

    def caller_account(self) -> str:
        """Return the account whose events are read."""
        return self.hook.caller_account()

    def caller_arn(self) -> str:
        """Return the ARN of the caller."""
        return self.hook.caller_arn()

    def iter_executions(self, since: datetime, until: datetime) -> Iterator[PolicyExecution | UnreadExecution]:
        """Yield the runs of lifecycle policies, as the hook does.

        :param since: the beginning (aware).
        :param until: the end (aware).
        """
        return map(parse_execution, self._entries(EVENT_NAME, since, until))

    def iter_image_calls(self, action: str, since: datetime, until: datetime) -> Iterator[ImageCall | UnreadExecution]:
        """Yield the calls that deleted or archived images, as the hook does.

        :param action: ``delete`` or ``archive``.
        :param since: the beginning (aware).
        :param until: the end (aware).
        """
        return parse_image_calls(self._entries(EVENT_NAMES[action], since, until))

    def _entries(self, name: str, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
        lookup = [self.region_name, name, since.isoformat(), until.isoformat()]
        known: set[str] = set()
        for page in self.progress.read():
            if page["lookup"] != lookup:
                continue
            for entry in page["events"]:
                if entry["EventId"] not in known:
                    known.add(entry["EventId"])
                    yield entry
            if page["is_last"]:
                return
            until = min(until, datetime.fromisoformat(page["earliest"]) + _SECOND)
        yield from self._read(lookup, name, since, until, known)

    def _read(
        self, lookup: list[str], name: str, since: datetime, until: datetime, known: set[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the events that are not known, and keep their pages."""
        earliest, is_kept = until, True
        for entries in self.hook.iter_pages(name, since, until):
            new = [entry for entry in entries if entry.get("EventId") not in known]
            times: list[Any] = [entry.get("EventTime") for entry in entries]
            if is_kept and new:
                is_kept = _is_continuable(new, times, earliest)
                if is_kept:
                    earliest = min(earliest, *times)
                    self._keep(lookup, new, earliest)
                else:
                    # A gap would be taken for a page without events.
                    self.progress.start_over()
            yield from new
        if is_kept:
            self._keep(lookup, [], since, is_last=True)

    def _keep(
        self, lookup: list[str], entries: Sequence[Mapping[str, Any]], earliest: datetime, *, is_last: bool = False
    ) -> None:
        events = [{key: entry[key] for key in _KEPT if key in entry} for entry in entries]
        self.progress.write({"lookup": lookup, "events": events, "earliest": earliest.isoformat(), "is_last": is_last})
        self.progress.flush()


def _is_continuable(entries: Sequence[Mapping[str, Any]], times: Sequence[Any], before: datetime) -> bool:
    """Return whether events can be told apart, and are none of them later than those of the page before."""
    return all(isinstance(entry.get("EventId"), str) and entry["EventId"] for entry in entries) and all(
        isinstance(time, datetime) and time < before + _SECOND for time in times
    )

"""Find out what happened to the images of clean-up calls that got no reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.journal import REPLY_LOST
from airflow_provider_ecr_preview.core.exceptions import LifecycleEventsUnreadError, RepositoryError
from airflow_provider_ecr_preview.core.reconciliation.execution import PolicyExecution, UnreadExecution
from airflow_provider_ecr_preview.core.reconciliation.image_calls import ImageCall
from airflow_provider_ecr_preview.core.reconciliation.settlement import LostReply, SettledImage, settle, settlement_xcom
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.cleanup import CLEANUP_SCHEMA
from airflow_provider_ecr_preview.core.xcom.reconciliation import SettlementXCom
from airflow_provider_ecr_preview.engine.recorded_events import RecordedEvents
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.hooks.lifecycle_events import EcrLifecycleEventsHook
from airflow_provider_ecr_preview.reports.lists import read_lines

_EARLIER_ATTEMPTS = timedelta(days=1)
"""An attempt before the one that pushed the result may have sent the call."""


@dataclass(frozen=True)
class CleanupToSettle:
    """A clean-up with images whose calls got no reply.

    :param action: ``delete`` or ``archive``.
    :param started_at: when its last attempt began (aware).
    :param finished_at: when it ended (aware).
    :param lost: the images.
    """

    action: str
    started_at: datetime
    finished_at: datetime
    lost: tuple[LostReply, ...]

    @classmethod
    def of(cls, value: Any) -> CleanupToSettle:
        """Return the clean-up of a result.

        :param value: the result of ``EcrDeletePreviewedImagesOperator``.
        :raises ValueError: if the value is anything else, or the images are unknown.
        """
        if not isinstance(value, Mapping) or value.get("schema") != CLEANUP_SCHEMA:
            raise ValueError(
                "clean_up is not the result of EcrDeletePreviewedImagesOperator. Give the output of that task."
            )
        count, uri = value.get("reply_lost_image_count", 0), value.get("results_uri")
        if count and not uri:
            raise ValueError(
                f"clean_up has {counted(count, 'image')} whose call had no reply, and no list of results that names them. Set "
                "results_path of EcrDeletePreviewedImagesOperator."
            )
        lines = read_lines(str(uri)) if count else ()
        lost = tuple(LostReply.of_line(line) for line in lines if line["reason"] == REPLY_LOST)
        if len(lost) != count:
            raise ValueError(
                f"The list of results at {uri} names {len(lost)} of {counted(count, 'image')} whose call had no reply: another "
                "run has written it. Give every run a results_path of its own."
            )
        started_at, finished_at = (datetime.fromisoformat(value[key]) for key in ("started_at", "finished_at"))
        return cls(value["action"], started_at, finished_at, lost)


@dataclass(frozen=True)
class CleanupSettler:
    """Settles clean-ups from CloudTrail's records and the current contents of the repositories.

    :param events_of: returns what reads the events of a Region.
    :param registry_of: returns the hook for ECR in a Region.
    """

    events_of: Callable[[str], EcrLifecycleEventsHook | RecordedEvents]
    registry_of: Callable[[str], EcrLifecyclePolicyPreviewHook]

    def settle(self, cleanup: CleanupToSettle) -> SettlementXCom:
        """Return what happened to the images.

        A source that cannot be read is named, and leaves its images ``not_known``.

        :param cleanup: the clean-up.
        """
        settled: list[SettledImage] = []
        unread: list[str] = []
        for region_name in sorted({image.repository.region_name for image in cleanup.lost}):
            here = [image for image in cleanup.lost if image.repository.region_name == region_name]
            calls, executions, caller = self._events(cleanup, region_name, unread)
            untouched = self._untouched(cleanup.action, here, unread)
            settled += settle(here, calls, executions, untouched, caller=caller, until=cleanup.finished_at)
        return settlement_xcom(settled, " ".join(unread) or None)

    def _events(
        self, cleanup: CleanupToSettle, region_name: str, unread: list[str]
    ) -> tuple[list[ImageCall], list[PolicyExecution], str]:
        # CloudTrail has whole seconds.
        since = (cleanup.started_at - _EARLIER_ATTEMPTS).replace(microsecond=0)
        hook = self.events_of(region_name)
        try:
            caller = hook.caller_arn()
            found = [
                *hook.iter_image_calls(cleanup.action, since, cleanup.finished_at),
                *hook.iter_executions(since, cleanup.finished_at),
            ]
        except LifecycleEventsUnreadError as error:
            unread.append(str(error))
            return [], [], ""
        if wrong := [event for event in found if isinstance(event, UnreadExecution)]:
            unread.append(
                f"{counted(len(wrong), 'event')} in {region_name} cannot be understood; the first is {wrong[0].event_id}: "
                f"{wrong[0].reason}."
            )
        calls = [event for event in found if isinstance(event, ImageCall)]
        return calls, [event for event in found if isinstance(event, PolicyExecution)], caller

    def _untouched(self, action: str, lost: list[LostReply], unread: list[str]) -> set[LostReply]:
        """Return the images that still exist and, if they were to be archived, are not archived."""
        untouched: set[LostReply] = set()
        for repository in sorted({image.repository for image in lost}, key=str):
            try:
                untouched |= set(self._there(repository, archived=action == "delete"))
            except RepositoryError as error:
                unread.append(str(error))
        return untouched

    def _there(self, repository: RepositoryId, *, archived: bool) -> list[LostReply]:
        hook = self.registry_of(repository.region_name)
        images = hook.iter_repository_images(repository.repository_name, registry_id=repository.registry_id)
        return [
            LostReply(repository, image.image_digest)
            for image in images
            if archived or image.storage_class != "archive"
        ]

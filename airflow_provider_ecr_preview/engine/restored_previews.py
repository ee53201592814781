"""Preview policies before they are restored, to report what they would remove."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from airflow_provider_ecr_preview.core.exceptions import PreviewTimeoutError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange
from airflow_provider_ecr_preview.core.text.counted import after
from airflow_provider_ecr_preview.core.xcom.rollout import RestoredPreview
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

log = logging.getLogger(__name__)


TIMEOUT = 300.0


POLL_INTERVAL = 2.0


_AT_ONCE = 20
"""Previews that run at the same time; with more, some could expire before they are read."""


@dataclass(frozen=True)
class RestoredPreviews:
    """Previews the policies to restore to repositories. A preview that fails is only reported.

    :param hook_of: returns the hook for a Region.
    :param timeout: time limit for all previews, in seconds.
    :param poll_interval: time between two polls of one preview, in seconds.
    :param clock: returns monotonic seconds.
    """

    hook_of: Callable[[str], EcrLifecyclePolicyPreviewHook]
    timeout: float = TIMEOUT
    poll_interval: float = POLL_INTERVAL
    clock: Callable[[], float] = time.monotonic

    def of(self, changes: Sequence[PolicyChange]) -> list[PolicyChange]:
        """Return the changes, each with the number of images that its policy would remove.

        :param changes: the changes; those that are not planned, or that remove a policy, are returned unchanged.
        """
        deadline = self.clock() + self.timeout
        previewed = list(changes)
        wanted = [
            (index, change.wanted)
            for index, change in enumerate(changes)
            if change.wanted is not None and change.status == "planned"
        ]
        for first in range(0, len(wanted), _AT_ONCE):
            part = wanted[first : first + _AT_ONCE]
            started = [self._started(changes[index], policy, deadline) for index, policy in part]
            for (index, _), preview in zip(part, started, strict=True):
                previewed[index] = self._with_counts(changes[index], preview, deadline)
        return previewed

    def _started(
        self, change: PolicyChange, policy: LifecyclePolicy, deadline: float
    ) -> PreviewStatus | Exception | None:
        if (remaining := deadline - self.clock()) <= 0:
            return None
        repository = change.repository
        try:
            return self.hook_of(repository.region_name).start_preview(
                repository.repository_name,
                policy.text,
                registry_id=repository.registry_id,
                timeout=remaining,
                poll_interval=self.poll_interval,
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, restore the policy anyway
            return error

    def _with_counts(
        self, change: PolicyChange, started: PreviewStatus | Exception | None, deadline: float
    ) -> PolicyChange:
        preview = self._completed(started, deadline) if isinstance(started, PreviewStatus) else started
        if preview is None:
            return _unknown(change, f"its preview was not complete{after(self.timeout)}, the time for all previews.")
        if not isinstance(preview, PreviewStatus):
            return _unknown(change, str(preview))
        if (expiring := preview.expiring_image_total_count) is None:
            return _unknown(change, "the preview has no counts.")
        archiving = sum((preview.transitioning_image_total_counts or {}).values())
        if expiring or archiving:
            log.warning(
                "%s: under the restored policy ECR will delete %d and archive %d of the images that are there now.",
                change.repository,
                expiring,
                archiving,
            )
        counts = RestoredPreview(expiring_image_count=expiring, archiving_image_count=archiving)
        return replace(change, restored_preview=counts)

    def _completed(self, started: PreviewStatus, deadline: float) -> PreviewStatus | Exception | None:
        try:
            return self.hook_of(started.region_name).wait_for_preview(
                started.repository_name,
                registry_id=started.registry_id,
                policy_fingerprint=started.policy.fingerprint,
                timeout=max(deadline - self.clock(), 0.0),
                poll_interval=self.poll_interval,
            )
        except PreviewTimeoutError:
            # Its message names the rest of the time.
            return None
        except Exception as error:  # noqa: BLE001  # as above
            return error


def _unknown(change: PolicyChange, why: str) -> PolicyChange:
    note = f"It is unknown how many images the restored policy affects: {why}"
    log.warning("%s: %s", change.repository, note)
    return replace(change, note=note)

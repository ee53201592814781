"""Keep the progress of a comparison: the previews that were started and read, and the repositories that are compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict

from airflow_provider_ecr_preview.core.audit.outcome import StartedPreview
from airflow_provider_ecr_preview.core.comparison.effects import PolicyEffect
from airflow_provider_ecr_preview.core.comparison.images import ComparedImage
from airflow_provider_ecr_preview.core.journal import Journal
from airflow_provider_ecr_preview.core.progress import Progress
from airflow_provider_ecr_preview.core.xcom.comparison import ComparedRepository

MAX_AGE = 24 * 3600.0
"""How long ago a comparison may have begun for the next attempt to continue it, in seconds."""


MAX_EFFECT_AGE = 3600.0
"""How old the effect of one policy may be for it to be compared with that of another, in seconds: as long as one preview
may take by default."""


MAX_IMAGES = 20_000
"""The effect of a policy on more images than this is not kept: to read it again is cheaper."""


class ComparisonProgress:
    """What the attempts at one comparison found out.

    Effects are needed until their repository is compared, so they have a journal of their own that is cleared after each
    batch of repositories.

    :param compared: keeps the compared repositories.
    :param effects: keeps the started previews and the effects of single policies.
    :param settings: what the comparison depends on, as plain JSON.
    """

    def __init__(self, compared: Journal, effects: Journal, settings: object) -> None:
        self._compared = Progress(compared, settings, MAX_AGE)
        self._effects = Progress(effects, settings, MAX_AGE)
        self._started: dict[tuple[str, str], StartedPreview] = {}
        self._effects_of: dict[tuple[str, str, str], PolicyEffect] = {}
        self._recover()

    @property
    def began_at(self) -> float:
        """When the first of the attempts began, in seconds since the epoch."""
        return self._compared.began_at

    def compared(
        self, names: Sequence[str], write: Callable[[ComparedImage], object] | None
    ) -> Iterator[ComparedRepository]:
        """Yield the repositories that earlier attempts compared.

        :param names: the repositories of this comparison; others are left out.
        :param write: called with each of their images that the policies treat differently; None for no list.
        """
        left = set(names)
        for entry in self._compared.read() if self._compared.is_continued else ():
            repository: ComparedRepository = entry["compared"]
            if repository["repository_name"] not in left:
                continue
            left.discard(repository["repository_name"])
            for image in entry["images"] if write is not None else ():
                write(image)  # type: ignore[misc]  # it is not None
            yield repository

    def keep_compared(self, repository: ComparedRepository, images: Sequence[ComparedImage]) -> None:
        """Keep a repository that is compared."""
        self._compared.write({"compared": repository, "images": images})

    def end_batch(self) -> None:
        """Discard the effects: all their repositories are compared, or will be read anew."""
        self._compared.flush()
        self._effects.start_over()
        self._started, self._effects_of = {}, {}

    def started(self, policy: str, names: Collection[str]) -> list[StartedPreview]:
        """Return the previews of a policy that earlier attempts started and did not read.

        :param policy: the name of the policy.
        :param names: the repositories.
        """
        return [preview for name in names if (preview := self._started.get((policy, name))) is not None]

    def keep_started(self, policy: str, preview: StartedPreview) -> None:
        """Keep that a preview was started."""
        self._effects.write({"started": asdict(preview), "policy": policy})

    def effects(self, method: str, policy: str, names: Collection[str]) -> dict[str, PolicyEffect]:
        """Return the effects of a policy that earlier attempts determined, by repository.

        :param method: ``preview`` or ``simulation``.
        :param policy: the name of the policy.
        :param names: the repositories.
        """
        found = {name: self._effects_of.get((method, policy, name)) for name in names}
        return {name: effect for name, effect in found.items() if effect is not None}

    def keep_effect(self, method: str, policy: str, name: str, effect: PolicyEffect) -> None:
        """Keep the effect of a policy on a repository."""
        if len(effect.taken) <= MAX_IMAGES:
            self._effects.write({"effect": effect.as_dict(), "method": method, "policy": policy, "name": name})

    def flush(self) -> None:
        """Write what is pending."""
        self._compared.flush()
        self._effects.flush()

    def end(self) -> None:
        """Discard everything: the comparison is complete."""
        self._compared.clear()
        self._effects.clear()

    def _recover(self) -> None:
        oldest = time.time() - MAX_EFFECT_AGE
        for entry in self._effects.read() if self._effects.is_continued else ():
            if entry["at"] < oldest:
                continue
            if "started" in entry:
                preview = StartedPreview(**entry["started"])
                self._started[entry["policy"], preview.repository_name] = preview
            else:
                key = (entry["method"], entry["policy"], entry["name"])
                self._effects_of[key] = PolicyEffect.from_dict(entry["effect"])


NO_PROGRESS = ComparisonProgress(Journal(), Journal(), None)
"""Keeps nothing."""

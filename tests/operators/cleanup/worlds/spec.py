"""What a random world is made of: plain values, so that a world can be printed, shrunk and run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

ACCOUNT = "123456789012"
US, EU, WEST = "us-east-1", "eu-west-1", "us-west-2"

Kind = Literal["image", "chart", "list", "referrer", "cosign"]


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image of a repository.

    :param id: names it within its repository.
    :param kind: a ``list`` names the images of ``of``; a ``referrer`` names its subject in the manifest, ``cosign`` in a tag.
    """

    id: int
    kind: Kind = "image"
    tags: tuple[str, ...] = ()
    age_days: float = 100.0
    pulled_days: float | None = None
    archived_days: float | None = None
    restored_days: float | None = None
    of: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RepositorySpec:
    """A repository, with the policy that is previewed: the applied one, or a candidate."""

    name: str
    region: str
    images: tuple[ImageSpec, ...]
    policy: int = 0
    is_candidate: bool = False
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class ReplicationSpec:
    """A replication rule of the Region of the first repository."""

    prefix: str = ""
    deletions: bool = True
    is_read: bool = True
    used: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InUseSpec:
    """What was collected: images by number of the repository, id, and how they are named."""

    is_given: bool = True
    used: tuple[tuple[int, int, Literal["digest", "tag", "bare"]], ...] = ()
    is_unread: bool = False
    lacks_scope: bool = False
    age_hours: float = 0.1


@dataclass(frozen=True, slots=True)
class ActSpec:
    """What somebody else does; if it is aimed, with an image that the call names at which it happens, or nothing."""

    what: str
    repository: int = 0
    image: int = 0
    tag: str = "build-1"
    policy: int = 0
    is_aimed: bool = False


@dataclass(frozen=True, slots=True)
class TroubleSpec:
    """A fault, or an act of somebody else, at the calls of an operation that come after ``skip`` others."""

    what: str
    operation: str | None = None
    skip: int = 0
    calls: int = 1
    act: ActSpec | None = None
    image: int = 0


@dataclass(frozen=True, slots=True)
class KillSpec:
    """The worker dies at a call, before or after it had its effect, or is told to stop there."""

    call: int
    when: Literal["before", "after", "stop"] = "before"


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A clean-up with its retries: the nth attempt ends by the nth kill, where there is one."""

    kills: tuple[KillSpec | None, ...] = ()
    retries: int = 1
    memory: Literal["store", "path", "both", "none"] = "store"


Approval = Literal["none", "right", "digest", "rejected", "dry run", "rerun", "list changed", "summary changed"]
"""What is given as ``approved``, or what happened after it was approved."""


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """A world.

    :param seed: of the order in which clean-ups that run side by side make their calls.
    :param hours_between: how long after the preview the clean-up runs.
    :param skew_minutes: by how much the clock of the worker is ahead of that of ECR in the clean-up.
    :param batch: how many images a call takes at most.
    """

    seed: int
    repositories: tuple[RepositorySpec, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    in_use: InUseSpec = field(default_factory=InUseSpec)
    replications: tuple[ReplicationSpec, ...] = ()
    approval: Approval = "none"
    hours_between: float = 0.5
    skew_minutes: float = 0.0
    before: tuple[ActSpec, ...] = ()
    troubles: tuple[TroubleSpec, ...] = ()
    runs: tuple[RunSpec, ...] = (RunSpec(),)
    batch: int = 100

    @property
    def is_calm(self) -> bool:
        """Whether nothing comes between, so that what is not protected has to go."""
        undisturbed = not (self.before or self.troubles or self.skew_minutes) and len(self.runs) == 1
        return undisturbed and not any(run.kills for run in self.runs)


def story(value: Any, indent: str = "") -> str:
    """Return a value as lines of text that name only what is not as usual.

    :param value: a value of this module.
    :param indent: what each line begins with.
    """
    lines = [f"{indent}{type(value).__name__}"]
    for setting in fields(value):
        content = getattr(value, setting.name)
        if content == setting.default or content in ((), {}):
            continue
        if isinstance(content, tuple) and any(hasattr(item, "__dataclass_fields__") for item in content):
            lines.append(f"{indent}  {setting.name}:")
            lines += [story(item, f"{indent}    ") if item is not None else f"{indent}    None" for item in content]
        elif hasattr(content, "__dataclass_fields__"):
            lines.append(story(content, f"{indent}  "))
        else:
            lines[0] += f" {setting.name}={content!r}"
    return "\n".join(lines)

"""One rule of a lifecycle policy, and the tag patterns in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import STANDARD


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a lifecycle policy.

    :param priority: ``rulePriority``; lower is applied first.
    :param description: the description, or None.
    :param tag_status: ``tagged``, ``untagged`` or ``any``.
    :param tag_patterns: the patterns that an image's tags must match, all of them; a prefix ``v`` is the pattern ``v*``.
    :param storage_class: ``STANDARD`` or ``ARCHIVE``: the images that the rule looks at.
    :param count_type: ``imageCountMoreThan``, ``sinceImagePushed``, ``sinceImagePulled`` or ``sinceImageTransitioned``.
    :param count_number: number of images kept, or age in days.
    :param action: ``EXPIRE`` or ``TRANSITION``.
    """

    priority: int
    description: str | None
    tag_status: str
    tag_patterns: tuple[str, ...]
    storage_class: str
    count_type: str
    count_number: int
    action: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Rule:
        """Return the rule that a member of the policy's ``rules`` describes."""
        selection = document["selection"]
        patterns = selection.get("tagPatternList", [])
        prefixes = selection.get("tagPrefixList", [])
        return cls(
            priority=document["rulePriority"],
            description=document.get("description"),
            tag_status=selection["tagStatus"],
            # A * in a prefix is a character that no tag has; \0 keeps it from being read as the wildcard.
            tag_patterns=(*patterns, *(prefix.replace("*", "\0") + "*" for prefix in prefixes)),
            storage_class=selection.get("storageClass", STANDARD).upper(),
            count_type=selection["countType"],
            count_number=_whole(selection["countNumber"]),
            action=document["action"]["type"].upper(),
        )

    @property
    def selector(self) -> str:
        """The tag requirements in a few words, for tables and messages."""
        if self.tag_status != "tagged":
            return f"{self.tag_status} images"
        return " and ".join(self.tag_patterns).replace("\0", "*")

    def matches_tags(self, image_tags: Sequence[str]) -> bool:
        """Return whether an image with these tags meets the tag requirements of the rule."""
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not image_tags
        return all(any(map(compile_pattern(pattern).fullmatch, image_tags)) for pattern in self.tag_patterns)


def _whole(number: Any) -> Any:
    """Return a number such as 10.0 or 1e1 as the whole number that it is, and anything else unchanged."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for an ECR tag pattern, whose one wildcard is ``*``."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)

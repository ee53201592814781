"""What the text behind ``image:`` of a task, a function or a pod names, when it is an image of Amazon ECR."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"""
    (?:https?://)?
    (?P<registry_id>\d{12})
    (?: \.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+
      | \.dkr-ecr(?:-fips)?\.(?P<dual_stack_region>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn)
    )
    (?::\d+)?
    /(?P<repository_name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)
    (?::(?P<image_tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?
    (?:@(?P<image_digest>sha256:[0-9a-f]{64}))?
    """,
    re.VERBOSE,
)

_DEFAULT_TAG = "latest"


@dataclass(frozen=True, slots=True)
class ImageReference:
    """An image of Amazon ECR, as what runs it names it.

    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param repository_name: the repository.
    :param image_digest: the digest; None where only a tag is named.
    :param image_tag: the tag; None where only a digest is named.
    """

    registry_id: str
    region_name: str
    repository_name: str
    image_digest: str | None = None
    image_tag: str | None = None


def parse_reference(text: str, image_digest: str | None = None) -> ImageReference | None:
    """Return what a reference names, or None when it is no image of a private registry of Amazon ECR.

    Without tag and digest, ``latest`` is meant.

    :param text: the reference, for example ``123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1``.
    :param image_digest: the digest that the reference was resolved to, where that is known.
    :raises ValueError: if it names a registry of Amazon ECR and cannot be read further.
    """
    found = _REFERENCE.fullmatch(text.strip())
    if found is None:
        if re.match(r"(https?://)?\d{12}\.dkr[.-]ecr", text.strip()):
            raise ValueError(f"{text!r} names a registry of Amazon ECR and cannot be read.")
        return None
    digest, tag = found["image_digest"] or image_digest, found["image_tag"]
    return ImageReference(
        registry_id=found["registry_id"],
        region_name=found["region"] or found["dual_stack_region"],
        repository_name=found["repository_name"],
        image_digest=digest,
        # A digest that was named makes the tag beside it a comment.
        image_tag=None if found["image_digest"] else tag or _DEFAULT_TAG,
    )

"""Find the Amazon ECR images that a text names, such as the ``image:`` of a task, a function or a pod."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from airflow_provider_ecr_preview.core.repository import RepositoryId

_REGISTRY = r"""
    (?<![a-z0-9._-])
    (?P<registry_id>[0-9]{12})
    (?: \.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]{1,63}+)(?:\.[a-z0-9-]{1,63}+){1,8}+
      | \.dkr-ecr(?:-fips)?\.(?P<dual_stack_region>[a-z0-9-]{1,63}+)\.on(?:\.[a-z0-9-]{1,63}+){1,8}+
    )
    \.?(?::[0-9]{1,5})?
"""


# Every part is bounded and read once, so that a text of a megabyte does not take minutes.
_REPOSITORY = r"(?=[a-z0-9])[a-z0-9._/-]{1,256}+(?<=[a-z0-9])"


_DIGEST = r"sha256:[0-9a-f]{64}"


def _pattern(end: str = "") -> re.Pattern[str]:
    # Docker and ECR take the host in upper and lower case, the rest in lower case only; a digest means the same in both.
    return re.compile(
        rf"""
        (?i:{_REGISTRY})
        /(?!v2/[a-z0-9._/-]{{1,256}}/(?:manifests|blobs)/)(?P<repository_name>{_REPOSITORY})
        (?::(?P<image_tag>[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}}))?
        (?:@(?P<image_digest>(?i:{_DIGEST})))?
        {end}
        """,
        re.VERBOSE | re.ASCII,
    )


_REFERENCE = _pattern(r"""(?=\Z|[\s"'`,;])""")


# A longer text may continue with anything: a bracket, a volume's mode, the end of a sentence.
_REFERENCE_IN_TEXT = _pattern()


_HOST = re.compile(r"dkr[.-]ecr", re.IGNORECASE | re.ASCII)
"""The part that all ECR hosts share: a text that contains it must be understood, or it is an error."""


_IMAGE_ARN = re.compile(
    rf"""
    arn:aws[a-z-]*:ecr:(?P<region_name>[a-z0-9-]+):(?P<registry_id>[0-9]{{12}})
    :repository/(?P<repository_name>[a-z0-9](?:[a-z0-9._/-]{{0,254}}[a-z0-9])?)/(?P<image_digest>(?i:{_DIGEST}))
    """,
    re.VERBOSE | re.ASCII,
)


_ARN = re.compile(r"arn:[^:]*:ecr:", re.IGNORECASE)


_BARE_DIGEST = re.compile(rf"(?<![a-z0-9])(?P<image_digest>{_DIGEST})(?![a-z0-9])", re.IGNORECASE | re.ASCII)


_FIRST_PART = re.compile(r"(?:[a-z-]+://)?+(?P<host>[^/@\s]++)/", re.IGNORECASE)


_AROUND = " \t\r\n\f\v\"'`\ufeff\u200b\u00a0"


_DEFAULT_TAG = "latest"


_MAX_SHOWN_CHARACTERS = 200


class UnreadReferenceError(ValueError):
    """Raised when a text names a registry of Amazon ECR without saying which image."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference to an Amazon ECR image, as its user names it.

    :param registry_id: the registry (account); empty, like Region and repository, if only a digest is known. The
        reference then means an image with this digest in any repository.
    :param region_name: the Region.
    :param repository_name: the repository.
    :param image_digest: the digest; None if only a tag is named.
    :param image_tag: the tag; None if only a digest is named.
    """

    registry_id: str
    region_name: str
    repository_name: str
    image_digest: str | None = None
    image_tag: str | None = None

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return RepositoryId(self.registry_id, self.region_name, self.repository_name)

    def __str__(self) -> str:
        if not self.registry_id:
            return self.image_digest or ""
        tag = f":{self.image_tag}" if self.image_tag else ""
        digest = f"@{self.image_digest}" if self.image_digest else ""
        return f"{self.registry_id}.dkr.ecr.{self.region_name}.amazonaws.com/{self.repository_name}{tag}{digest}"


def parse_references(text: str, image_digest: str | None = None) -> tuple[ImageReference, ...]:
    """Return the images in private Amazon ECR registries that a text names; empty if it names only others.

    Without tag and digest, ``latest`` is meant. A digest without a registry means that digest in any repository.

    :param text: the reference, for example ``123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1``, with
        anything that a tool puts around it: a scheme, quotes, credentials.
    :param image_digest: the digest that the reference was resolved to, if known.
    :raises UnreadReferenceError: if it names an Amazon ECR registry but no readable image.
    """
    text = text.strip(_AROUND)
    named = [*_found(_REFERENCE, text)]
    if len(named) < sum(1 for _ in _HOST.finditer(text)):
        raise UnreadReferenceError(
            f"{shown_reference(text)!r} names an Amazon ECR registry, but is not an image reference that can be read."
        )
    named += _by_arn_or_digest(_REFERENCE.sub("", text))
    if image_digest and (named or not text):
        named += [*_resolved(named, image_digest)]
    elif image_digest and not _is_of_other_registry(text):
        # Without a host it may be a local name of an ECR image, such as `docker tag` creates.
        named += [*_by_arn_or_digest(image_digest)]
    return tuple(dict.fromkeys(named))


def references_in(text: str) -> tuple[ImageReference, ...]:
    """Return the images in private Amazon ECR registries that a longer text mentions.

    Parts that are not understood are skipped: many texts name a registry but no image.

    :param text: the text, for example the value of an environment variable.
    """
    found = [*_found(_REFERENCE_IN_TEXT, text)]
    # The full stop of a sentence may look like part of the tag.
    stops = [replace(image, image_tag=tag) for image in found if (tag := (image.image_tag or "").rstrip(".-"))]
    return tuple(dict.fromkeys([*found, *stops]))


def shown_reference(text: str) -> str:
    """Return a reference that is safe to show in a message: without credentials, and not too long.

    :param text: the reference.
    """
    ends = [found.start() for found in _HOST.finditer(text)]
    if ends and (at := text.rfind("@", 0, ends[-1])) >= 0:
        text = f"***{text[at:]}"
    text = re.split(r"[?#]", text, maxsplit=1)[0]
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}..."


def _found(pattern: re.Pattern[str], text: str) -> Iterator[ImageReference]:
    for found in pattern.finditer(text):
        digest, tag = found["image_digest"], found["image_tag"]
        yield ImageReference(
            registry_id=found["registry_id"],
            region_name=(found["region"] or found["dual_stack_region"]).lower(),
            repository_name=found["repository_name"],
            image_digest=digest.lower() if digest else None,
            # If a digest is named, the tag is only a comment.
            image_tag=None if digest else tag or _DEFAULT_TAG,
        )


def _by_arn_or_digest(text: str) -> Iterator[ImageReference]:
    if _ARN.match(text):
        found = _IMAGE_ARN.fullmatch(text)
        if found is None:
            raise UnreadReferenceError(f"{shown_reference(text)!r} is an Amazon ECR ARN, but not of an image.")
        yield ImageReference(**{**found.groupdict(), "image_digest": found["image_digest"].lower()})
    elif not _is_of_other_registry(text):
        for digest in _BARE_DIGEST.finditer(text):
            yield ImageReference("", "", "", digest["image_digest"].lower())


def _is_of_other_registry(text: str) -> bool:
    """Return whether a reference begins with a host outside ECR."""
    found = _FIRST_PART.match(text)
    if found is None:
        return False
    host = found["host"].lower()
    return host == "localhost" or "." in host[1:] or ":" in host[1:]


def _resolved(named: list[ImageReference], image_digest: str) -> Iterator[ImageReference]:
    """Yield the images that the named ones resolve to: the digest of a tag, or an image of a list."""
    found = _BARE_DIGEST.search(image_digest)
    if found is None:
        raise UnreadReferenceError(f"{shown_reference(image_digest)!r} is not an image digest.")
    for reference in [*named] or [ImageReference("", "", "")]:
        yield replace(reference, image_digest=found["image_digest"].lower(), image_tag=None)

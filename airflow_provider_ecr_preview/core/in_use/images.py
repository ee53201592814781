"""The images in use, collected from all sources. A source that could not be read protects everything.

A reference by digest protects the digest. A reference by tag protects the image that currently has the tag, and the
digest that the tag was resolved to, if the source reports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.core.in_use.scope import Place
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import CLOCK_SKEW, fitted, json_size
from airflow_provider_ecr_preview.core.xcom.in_use import IN_USE_SCHEMA, MAX_IN_USE_BYTES, ImageInUse, ImagesInUseXCom

_MAX_BYTES_WITHOUT_URI = MAX_IN_USE_BYTES - 1024


MAX_USERS = 5


MAX_NAMED_REFERENCES = 10
"""The number of unreadable references that are named."""


MAX_IN_USE_AGE = timedelta(days=1)
"""A collection older than this says nothing about what runs now."""


_LISTED_SOURCES = (200, 50, 10, 3)
"""The number of sources of each kind that are listed: the most that fit."""


@dataclass(frozen=True, slots=True)
class ImageUser:
    """A user of an image, or a potential one.

    :param kind: for example ``ECS task``.
    :param name: its name or ARN.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class UnreadSource:
    """A source that could not be read, so the images it uses are unknown.

    :param source: the source, for example ``ecs``.
    :param aws_conn_id: the connection used to read it.
    :param region_name: the Region.
    :param reason: the reason.
    :param account_id: the account; None if unknown.
    :param references: its unreadable references, each with the resource that names it; at most ten.
    :param reference_count: the number of unreadable references.
    """

    source: str
    aws_conn_id: str | None
    region_name: str | None
    reason: str
    account_id: str | None = None
    references: tuple[str, ...] = ()
    reference_count: int = 0

    def __str__(self) -> str:
        where = [self.account_id or self.aws_conn_id, self.region_name]
        place = ", ".join(part for part in where if part)
        return f"{self.source} ({place}): {self.reason}" if place else f"{self.source}: {self.reason}"

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> UnreadSource:
        """Return the source from its pushed form."""
        return cls(
            source=value["source"],
            aws_conn_id=value["aws_conn_id"],
            region_name=value["region_name"],
            reason=value["reason"],
            account_id=value.get("account_id"),
            references=tuple(value.get("references", ())),
            reference_count=value.get("reference_count", 0),
        )


_ANY_REPOSITORY = RepositoryId("", "", "")


_Image = tuple[str, str]
"""``digest`` or ``tag``, and its value."""


class ImagesInUse:
    """The images that are in use, by repository.

    :param collected_at: when collecting began (aware); anything started later is missing.
    :raises ValueError: if that time has no time zone.
    """

    def __init__(self, collected_at: datetime) -> None:
        if collected_at.tzinfo is None:
            raise ValueError(f"collected_at has no time zone: {collected_at.isoformat()}.")
        self.collected_at = collected_at
        self.sources: list[dict[str, Any]] = []
        """The sources read: source, connection, account, Region and number of references."""
        self.unread: list[UnreadSource] = []
        """The sources that could not be read."""
        self._read: set[Place] = set()
        self._images: dict[RepositoryId, dict[_Image, list[ImageUser]]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every source was read. Otherwise no image can be said to be unused."""
        return bool(self.sources) and not self.unread

    @property
    def scope(self) -> frozenset[Place]:
        """The accounts and Regions that were read."""
        of_sources = ((source.get("account_id"), source.get("region_name")) for source in self.sources)
        return frozenset(self._read) | {(account, region) for account, region in of_sources if account and region}

    def why_unusable(self, now: datetime) -> str | None:
        """Return why the collection says nothing about the images in use now; None if it does.

        :param now: the time (aware).
        """
        age = now - self.collected_at
        if age < -CLOCK_SKEW:
            return f"collected_at is in the future: {self.collected_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if age > MAX_IN_USE_AGE:
            hours = age.total_seconds() / 3600
            return f"it is {hours:.0f} hours old, and more may have started since"
        return None

    @property
    def image_count(self) -> int:
        """Number of images, by digest and by tag."""
        return sum(map(len, self._images.values()))

    def add(self, reference: ImageReference, user: ImageUser) -> None:
        """Count an image as used.

        :param reference: the image.
        :param user: its user.
        """
        images = self._images.setdefault(reference.repository, {})
        for kind, name in (("digest", reference.image_digest), ("tag", reference.image_tag)):
            if name is not None:
                users = images.setdefault((kind, name), [])
                if len(users) < MAX_USERS and user not in users:
                    users.append(user)

    def protects(self, repository: RepositoryId, image_digest: str, image_tags: Iterable[str]) -> list[ImageUser]:
        """Return the users of an image; an empty list only if it is certain that there are none.

        :param repository: the repository.
        :param image_digest: the digest of the image.
        :param image_tags: its tags.
        """
        unknown = [ImageUser("not known:", str(source)) for source in self.unread]
        return [*self.users_of(repository, image_digest, image_tags), *unknown]

    def users_of(self, repository: RepositoryId, image_digest: str, image_tags: Iterable[str]) -> list[ImageUser]:
        """Return the known users of an image, even if some sources could not be read.

        :param repository: the repository.
        :param image_digest: the digest of the image.
        :param image_tags: its tags.
        """
        images = self._images.get(repository, {})
        wanted: list[_Image] = [("digest", image_digest), *(("tag", tag) for tag in image_tags)]
        found = [images.get(image, ()) for image in wanted]
        found.append(self._images.get(_ANY_REPOSITORY, {}).get(("digest", image_digest), ()))
        return [*dict.fromkeys(user for users in found for user in users)]

    def as_xcom(self, write: Callable[[Iterator[ImageInUse]], str] | None = None) -> ImagesInUseXCom:
        """Return the images in use in plain JSON types.

        :param write: writes the images elsewhere if there are too many for XCom, and returns the location.
        :raises ValueError: if there are too many for XCom, and no other place for them.
        """
        images = [*self.images()]
        if json_size(images) <= MAX_IN_USE_BYTES and json_size(value := self._fitted(images)) <= _MAX_BYTES_WITHOUT_URI:
            return value
        if write is None:
            raise ValueError(
                f"{counted(self.image_count, 'image')} in use do not fit into XCom. Set in_use_path, so that they are written "
                "to a file."
            )
        uri = write(iter(images))
        return {**self._fitted(None), "in_use_uri": uri}

    def _fitted(self, images: list[ImageInUse] | None) -> ImagesInUseXCom:
        return fitted(self._xcom(images), _MAX_BYTES_WITHOUT_URI, _LISTED_SOURCES, _cut_to)

    def _xcom(self, images: list[ImageInUse] | None) -> ImagesInUseXCom:
        scope: dict[str, list[str]] = {}
        for account_id, region_name in sorted(self.scope):
            scope.setdefault(account_id, []).append(region_name)
        return ImagesInUseXCom(
            schema=IN_USE_SCHEMA,
            collected_at=self.collected_at.astimezone(UTC).isoformat(),
            is_complete=self.is_complete,
            scope=scope,
            sources=self.sources,
            source_count=len(self.sources),
            unread=[{**asdict(source), "references": [*source.references]} for source in self.unread],
            unread_count=len(self.unread),
            image_count=self.image_count,
            images=images,
            in_use_uri=None,
        )

    def images(self) -> Iterator[ImageInUse]:
        """Yield the images, sorted."""
        for repository, images in sorted(self._images.items()):
            for (kind, name), users in sorted(images.items()):
                yield ImageInUse(
                    **repository.as_dict(),
                    image_digest=name if kind == "digest" else None,
                    image_tag=name if kind == "tag" else None,
                    used_by=[[user.kind, user.name] for user in users],
                )

    @classmethod
    def from_xcom(
        cls, value: Mapping[str, Any], read: Callable[[str], Iterable[Mapping[str, Any]]] | None = None
    ) -> ImagesInUse:
        """Return the images in use that a task pushed.

        :param value: the pushed value.
        :param read: reads the images that did not fit.
        :raises ValueError: if this is not such a value, or not all of its images can be read.
        """
        if value.get("schema") != IN_USE_SCHEMA:
            raise ValueError(f"The images in use must have the schema {IN_USE_SCHEMA}; this is {str(value)[:200]}")
        try:
            return cls._from_xcom(value, read)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"The images in use are incomplete ({type(error).__name__}: {error}).") from error

    @classmethod
    def _from_xcom(
        cls, value: Mapping[str, Any], read: Callable[[str], Iterable[Mapping[str, Any]]] | None
    ) -> ImagesInUse:
        in_use = cls(datetime.fromisoformat(value["collected_at"]))
        in_use.sources = [*value["sources"]]
        in_use.unread = [UnreadSource.from_dict(source) for source in value["unread"]]
        in_use._read = {
            (account_id, region_name)
            for account_id, region_names in value.get("scope", {}).items()
            for region_name in region_names
        }
        in_use.scope  # noqa: B018  # sources of another shape are an error here, and not later
        if in_use.is_complete and (value["is_complete"] is not True or value.get("unread_count")):
            reason = "the result says that it could not be read, but not which one it is"
            in_use.unread.append(UnreadSource("an unnamed source", None, None, reason))
        images = value["images"]
        if images is None:
            if read is None:
                raise ValueError("The images in use are not in this value, and in_use_uri cannot be read here.")
            images = read(value["in_use_uri"])
        for image in images:
            reference = ImageReference(
                image["registry_id"],
                image["region_name"],
                image["repository_name"],
                image["image_digest"],
                image["image_tag"],
            )
            for kind, name in image["used_by"]:
                in_use.add(reference, ImageUser(kind, name))
        if in_use.image_count != value["image_count"]:
            raise ValueError(f"Only {in_use.image_count} of {value['image_count']} images in use can be read.")
        return in_use


def _cut_to(value: ImagesInUseXCom, listed: int) -> ImagesInUseXCom:
    return {**value, "sources": value["sources"][:listed], "unread": value["unread"][:listed]}

"""A world in the local ECR: its repositories, what runs, and what others do there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, ImageUser
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.local import (
    Call,
    ConnectionReset,
    Fault,
    ImagesRefused,
    LocalEcr,
    LostReply,
    Registry,
    TruncatedBody,
    server_error,
    throttled,
)
from airflow_provider_ecr_preview.local.images import MANIFEST_LIST, LocalImage, list_manifest
from airflow_provider_ecr_preview.local.repositories import LocalRepository
from tests.operators.cleanup.worlds.random_worlds import POLICIES
from tests.operators.cleanup.worlds.spec import (
    ACCOUNT,
    WEST,
    ActSpec,
    ImageSpec,
    RepositorySpec,
    TroubleSpec,
    WorldSpec,
)

SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
CHART = "application/vnd.cncf.helm.config.v1+json"

Place = tuple[str, str, str]
"""Account, Region and name of a repository."""


class World:
    """A world under way.

    :param ecr: the local ECR, which is emptied.
    :param spec: what is in it.
    :param began: how far its clock is behind that of this machine.
    """

    def __init__(self, ecr: LocalEcr, spec: WorldSpec, *, began: timedelta = timedelta()) -> None:
        self.ecr = ecr
        self.spec = spec
        self.taken_by_others: set[tuple[Place, str]] = set()
        """What others deleted."""
        self.acts = 0
        self._lists = 0
        ecr.reset()
        ecr.clock.advance(-began)
        for rule in spec.replications:
            ecr.replicate(
                (ACCOUNT, WEST),
                prefixes=[rule.prefix] if rule.prefix else [],
                deletions=rule.deletions,
                region_name=spec.repositories[0].region,
            )
        self.digests = [self._repository(repository) for repository in spec.repositories]
        """The digests of the images, by number of the repository and id."""

    def place(self, number: int) -> Place:
        """Return where a repository is."""
        repository = self.spec.repositories[number]
        return ACCOUNT, repository.region, repository.name

    def found(self, place: Place) -> LocalRepository:
        """Return a repository as it is now."""
        account, region, name = place
        return self.ecr.repository(name, region_name=region, account_id=account)

    def places(self) -> list[Place]:
        """Return every repository that there is, replicas as well."""
        regions = {*(repository.region for repository in self.spec.repositories), WEST}
        return [
            (ACCOUNT, region, name)
            for region in sorted(regions)
            for name in self.ecr.backend(region, ACCOUNT).repositories
        ]

    def in_use(self) -> dict[str, Any] | None:
        """Return what a collection of what is in use pushes."""
        spec = self.spec.in_use
        if not spec.is_given:
            return None
        in_use = ImagesInUse(datetime.now(UTC) - timedelta(hours=spec.age_hours))
        regions = sorted({repository.region for repository in self.spec.repositories})
        if spec.lacks_scope:
            regions.remove(self.spec.repositories[0].region)
        if all(rule.is_read for rule in self.spec.replications):
            regions.append(WEST)
        for region in regions:
            in_use.sources.append(
                {
                    "source": "ecs",
                    "aws_conn_id": None,
                    "account_id": ACCOUNT,
                    "region_name": region,
                    "reference_count": 0,
                }
            )
        if spec.is_unread:
            in_use.sources.append({"source": "eks"})
            value: dict[str, Any] = dict(in_use.as_xcom())
            unread = {"source": "lambda", "aws_conn_id": None, "region_name": WEST, "reason": "AccessDenied"}
            return value | {"is_complete": False, "unread": [unread], "unread_count": 1}
        for (account, region, name), kind, what in self.references():
            digest, tag = (what, None) if kind != "tag" else (None, what)
            where = ("", "", "") if kind == "bare" else (account, region, name)
            in_use.add(ImageReference(*where, digest, tag), ImageUser("ECS task", "web"))
        return dict(in_use.as_xcom())

    def references(self) -> list[tuple[Place, str, str]]:
        """Return what is in use: where, how it is named, and the name."""
        found: list[tuple[Place, str, str]] = []
        for number, image_id, how in self.spec.in_use.used:
            tags = {image.id: image.tags for image in self.spec.repositories[number].images}.get(image_id)
            if tags is None or image_id not in self.digests[number]:
                continue
            by_tag = how == "tag" and bool(tags)
            kind = "tag" if by_tag else "bare" if how == "bare" else "digest"
            found.append((self.place(number), kind, tags[0] if by_tag else self.digests[number][image_id]))
        for rule in self.spec.replications:
            _, _, name = self.place(0)
            found += [
                ((ACCOUNT, WEST, name), "digest", self.digests[0][image_id])
                for image_id in rule.used
                if rule.is_read and image_id in self.digests[0]
            ]
        return found

    def do(self, act: ActSpec, call: Call | None = None) -> None:
        """Do what somebody else does.

        :param act: what.
        :param call: the call at which it happens.
        """
        place = self.place(act.repository % len(self.spec.repositories))
        aimed: list[str] = []
        if call is not None and act.is_aimed:
            aimed, place = digests_in(call), (ACCOUNT, call.region, call.repository or "")
            if not aimed:
                return
        self.acts += 1
        repository = self.found(place)
        _, region, name = place
        if act.what == "push":
            self.ecr.push(name, tags=[act.tag], pushed_days_ago=act.image % 3 * 50, region_name=region)
        elif act.what == "policy":
            self.ecr.put_policy(name, POLICIES[act.policy], region_name=region)
        elif act.what == "preview":
            self.ecr.start_preview(name, POLICIES[act.policy], region_name=region)
        elif act.what == "forget" or not repository.local_images:
            repository.preview = None
        else:
            there = [image for image in repository.local_images if image.get_image_digest() in aimed]
            images = there or repository.local_images
            self._act_on(place, repository, images[act.image % len(images)], act)

    def _act_on(self, place: Place, repository: LocalRepository, image: LocalImage, act: ActSpec) -> None:
        _, region, name = place
        digest, named = image.get_image_digest(), repository.index.lists_naming(image.get_image_digest())
        if act.what == "tag":
            for other in repository.local_images:
                if act.tag in other.image_tags:
                    other.remove_tag(act.tag)
            image.update_tag(act.tag)
        elif act.what == "pull":
            image.pull(self.ecr.now)
        elif act.what == "archive" and not image.archived and not named:
            image.archive(self.ecr.now)
        elif act.what == "restore" and image.archived:
            image.restore(self.ecr.now)
        elif act.what == "sign":
            self.ecr.push(name, subject=digest, artifact_media_type=SIGNATURE, region_name=region)
        elif act.what == "list":
            manifest = self._list_of([image])
            self.ecr.push(name, manifest=manifest, manifest_media_type=MANIFEST_LIST, region_name=region)
        elif act.what == "delete" and not named:
            self.taken_by_others.add((place, digest))
            repository.images = [other for other in repository.local_images if other is not image]

    def fault(self, trouble: TroubleSpec) -> Fault:
        """Return the fault of a trouble."""
        digests = [digest for by_id in self.digests for digest in by_id.values()]
        chosen = {digests[trouble.image % len(digests)]} if digests else set()
        faults: dict[str, Callable[[], Fault]] = {
            "act": lambda: During(self, trouble.act or ActSpec("push")),
            "throttle": lambda: throttled(("ThrottlingException", "ThrottleException")[trouble.image % 2]),
            "500": server_error,
            "reset": ConnectionReset,
            "lost": LostReply,
            "cut": TruncatedBody,
            "kms": lambda: ImagesRefused("KmsError", chosen),
            "referenced": lambda: ImagesRefused("ImageReferencedByManifestList", chosen),
            "denied": lambda: throttled("AccessDeniedException"),
        }
        return faults[trouble.what]()

    def _repository(self, spec: RepositorySpec) -> dict[int, str]:
        self.ecr.create_repository(
            spec.name, policy=None if spec.is_candidate else POLICIES[spec.policy], region_name=spec.region
        )
        digests: dict[int, str] = {}
        for image in spec.images:
            if (digest := self._push(spec, image, digests)) is not None:
                digests[image.id] = digest
        return digests

    def _list_of(self, images: list[LocalImage]) -> str:
        """Return the manifest of a list of its own, though another one may name the same images."""
        self._lists += 1
        return list_manifest([(image, f"linux/{self._lists}-{number}") for number, image in enumerate(images)])

    def _push(self, repository: RepositorySpec, image: ImageSpec, digests: dict[int, str]) -> str | None:
        of = [digests[number] for number in image.of if number in digests]
        more: dict[str, Any] = {}
        tags = [*image.tags]
        if image.kind in ("list", "referrer", "cosign") and not of:
            return None
        if image.kind == "chart":
            more = {"artifact_media_type": CHART}
        elif image.kind == "referrer":
            more = {"subject": of[0], "artifact_media_type": SIGNATURE}
        elif image.kind == "cosign":
            tags += [f"{digest.replace(':', '-')}.sig" for digest in of]
        elif image.kind == "list":
            found = self.ecr.repository(repository.name, region_name=repository.region)
            children = [found.find({"imageDigest": digest}) for digest in of]
            more = {"manifest": self._list_of(children), "manifest_media_type": MANIFEST_LIST}
        return self.ecr.push(
            repository.name,
            tags=tags,
            pushed_days_ago=image.age_days,
            last_pull_days_ago=image.pulled_days,
            archived_days_ago=image.archived_days,
            restored_days_ago=image.restored_days,
            region_name=repository.region,
            **more,
        )


class During(Fault):
    """Somebody else acts right after a call had its effect.

    :param world: where.
    :param act: what.
    """

    def __init__(self, world: World, act: ActSpec) -> None:
        self._world = world
        self._act = act

    def before(self, call: Call, registry: Registry) -> None:
        if not call.operation.startswith(("Batch", "Update")):
            return
        # So that something happens between the last look at an image and the call that changes it, too.
        with registry.lock:
            self._world.do(self._act, call)

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        if not call.operation.startswith(("Batch", "Update")):
            with registry.lock:
                self._world.do(self._act, call)
        return reply


def digests_in(call: Call) -> list[str]:
    """Return the digests of the images that a call names."""
    ids = call.parameters.get("imageIds") or [call.parameters.get("imageId") or {}]
    return [image_id["imageDigest"] for image_id in ids if "imageDigest" in image_id]

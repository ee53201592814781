from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import plan_cleanup
from airflow_provider_ecr_preview.core.cleanup.relation_checks import manifest_lists, referrers
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest
from tests.support.evidence import Used

INDEX = "application/vnd.oci.image.index.v1+json"
SIGNED_IMAGE, SIGNATURE, LIST, PART, NEWEST = 50, 51, 60, 61, 1

Question = Any


def old(number: int, *tags: str, **fields: Any) -> RepositoryImage:
    return RepositoryImage(digest(number), tags, NOW - timedelta(days=number), **fields)


INVENTORY = [
    old(NEWEST, "newest"),
    old(SIGNED_IMAGE, "v1"),
    old(SIGNATURE, subject_manifest_digest=digest(SIGNED_IMAGE)),
    old(LIST, "v0", image_manifest_media_type=INDEX),
    old(PART),
]


def asked(
    question: Question,
    approved: tuple[int, ...] = (),
    *,
    inventory: Any = None,
    used: tuple[int, ...] = (),
    listed: bool = True,
    protected_tags: tuple[str, ...] = (),
    **settings: Any,
) -> Answer:
    """Return the answer about a repository in which these images were approved."""
    images = INVENTORY if inventory is None else inventory
    known = {} if isinstance(images, Unread) else {image.image_digest: image for image in images}
    previewed = [
        PreviewedImage(digest(of), known[digest(of)].image_tags, known[digest(of)].image_pushed_at, EXPIRE, 1)
        for of in approved
    ]
    fresh = PreviewList.of_images("policy", previewed)
    running = Used(*map(digest, used))
    summary: Any = {"previewed_at": NOW.isoformat(), "policy_fingerprint": "policy"}
    evidence = Evidence(
        summary=summary,
        approved=fresh if listed else PreviewList("policy", "others"),
        fresh=fresh,
        inventory=images,
        in_use=running,
        now=NOW,
    )
    careful = CleanupSettings(protection=ImageProtection(protected_tags=protected_tags), **settings)
    answer: Answer = question(evidence, careful, plan_cleanup(evidence, careful))
    return answer


class TestReferrers:
    def test_a_signature_is_left_out_with_its_image(self) -> None:
        answer = asked(referrers, (SIGNATURE,))
        assert (answer.verdict, answer.image_digests) == ("spared", [digest(SIGNATURE)])
        assert answer.message.startswith("1 approved image belongs to an image that stays")

    def test_ecr_itself_would_not_leave_it_out(self) -> None:
        answer = asked(referrers, (SIGNATURE,), whole_policy=True)
        assert answer.verdict == "blocked"
        assert "check_referrers=False" in (answer.remedy or "")

    def test_it_may_go_with_its_image(self) -> None:
        answer = asked(referrers, (SIGNED_IMAGE, SIGNATURE))
        assert answer == Answer("passed", "No other approved image belongs to one that stays.")

    def test_what_ecr_deletes_with_an_image_is_counted(self) -> None:
        assert "ECR also deletes 1 other image that belong" not in asked(referrers, (SIGNED_IMAGE, SIGNATURE)).message
        assert "ECR also deletes 1 other image" in asked(referrers, (SIGNED_IMAGE,)).message
        assert "ECR also deletes" not in asked(referrers, (SIGNED_IMAGE,), action="archive").message

    def test_an_image_with_a_referrer_in_use_is_left_out(self) -> None:
        answer = asked(referrers, (SIGNED_IMAGE,), used=(SIGNATURE,))
        assert (answer.verdict, answer.image_digests) == ("spared", [digest(SIGNED_IMAGE)])
        without = asked(referrers, (SIGNED_IMAGE,), used=(SIGNATURE,), check_referrers=False)
        assert without.verdict == "spared"

    def test_an_image_with_a_protected_referrer_is_left_out(self) -> None:
        inventory = [*INVENTORY, old(52, "live", subject_manifest_digest=digest(SIGNED_IMAGE))]
        answer = asked(referrers, (SIGNED_IMAGE,), inventory=inventory, protected_tags=("live",))
        assert (answer.verdict, answer.image_digests) == ("spared", [digest(SIGNED_IMAGE)])

    def test_it_can_be_switched_off(self) -> None:
        assert asked(referrers, (SIGNATURE,), check_referrers=False).verdict == "off"
        assert asked(referrers, listed=False, check_referrers=False).verdict == "off"

    def test_it_is_off_where_nothing_belongs_to_another_image(self) -> None:
        assert asked(referrers, (PART,), inventory=INVENTORY[3:]).verdict == "off"

    def test_it_is_unknown_where_the_images_are(self) -> None:
        assert asked(referrers, inventory=Unread("no permission")).verdict == "unknown"
        assert asked(referrers, (SIGNATURE,), listed=False).verdict == "unknown"

    def test_a_signature_of_an_image_that_runs_and_is_gone_stays(self) -> None:
        inventory = [INVENTORY[0], INVENTORY[2]]
        assert asked(referrers, (SIGNATURE,), inventory=inventory, used=(SIGNED_IMAGE,)).verdict == "spared"
        assert asked(referrers, (SIGNATURE,), inventory=inventory).verdict == "passed"


class TestManifestLists:
    def test_a_list_is_left_out_that_names_an_image_in_use(self) -> None:
        part = old(PART, referenced_by=(digest(LIST),))
        answer = asked(manifest_lists, (LIST,), inventory=[*INVENTORY[:4], part], used=(PART,))
        assert (answer.verdict, answer.image_digests) == ("spared", [digest(LIST)])
        blocked = asked(manifest_lists, (LIST,), inventory=[*INVENTORY[:4], part], used=(PART,), whole_policy=True)
        assert blocked.verdict == "blocked"

    def test_a_list_is_left_out_that_was_pushed_right_after_an_image_in_use(self) -> None:
        part = RepositoryImage(digest(PART), (), NOW - timedelta(days=LIST, minutes=1))
        inventory = [*INVENTORY[:4], part]
        assert asked(manifest_lists, (LIST,), inventory=inventory, used=(PART,)).verdict == "spared"
        # ECR would act without asking, and it is not certain.
        assert asked(manifest_lists, (LIST,), inventory=inventory, used=(PART,), whole_policy=True).verdict == "passed"

    def test_what_a_list_is_known_to_name_that_stays_is_left_out(self) -> None:
        part = old(PART, referenced_by=(digest(LIST),))
        answer = asked(manifest_lists, (PART,), inventory=[*INVENTORY[:4], part])
        assert (answer.verdict, answer.image_digests) == ("spared", [digest(PART)])

    def test_it_says_how_many_images_a_list_that_stays_may_name(self) -> None:
        answer = asked(manifest_lists, (PART, SIGNED_IMAGE))
        assert answer.verdict == "passed"
        assert answer.message.startswith("1 manifest list stays. ")
        assert answer.message.endswith("of 2 images, up to 1 may be spared.")

    def test_no_list_that_stays_may_name_what_is_newer(self) -> None:
        expected = "No manifest list that stays can reference an approved image."
        assert asked(manifest_lists, (SIGNED_IMAGE,)).message == expected
        assert asked(manifest_lists, (LIST, PART)).message == expected

    def test_it_is_off_where_there_is_no_list(self) -> None:
        assert asked(manifest_lists, (SIGNED_IMAGE,), inventory=INVENTORY[:3]).verdict == "off"

    def test_it_is_unknown_where_the_images_are(self) -> None:
        assert asked(manifest_lists, inventory=Unread("no permission")).verdict == "unknown"

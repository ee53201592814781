from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.preview.affected import (
    ProtectedImages,
    RecentPulls,
    UsedImages,
    recent_pulls_since,
)
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.findings import find
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.reading import Lookout, read_preview
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage, digest_of
from tests.support.builders import NOW, archiving, digest, page, previewed, stored, summary
from tests.support.policies import policy, rule, tagged


def found(whole: PreviewSummary, *images: RepositoryImage) -> dict[str, Finding]:
    inventory = RepositoryInventory(whole.policy.rules)
    inventory.update(images)
    return {finding.code: finding for finding in find(whole, inventory)}


class TestWhatIsLeft:
    def test_a_policy_that_takes_every_image_empties_the_repository(self) -> None:
        findings = found(summary(previewed(1), previewed(2)), stored(1), stored(2))
        assert findings["would_empty_repository"].severity == "critical"
        assert "2 of 2" in findings["would_empty_repository"].message

    def test_a_policy_that_leaves_an_image_does_not_empty_the_repository(self) -> None:
        assert "would_empty_repository" not in found(summary(previewed(1)), stored(1), stored(2))

    def test_an_empty_repository_is_not_emptied(self) -> None:
        assert found(summary()) == {}

    def test_the_newest_image_that_expires_is_named(self) -> None:
        finding = found(summary(previewed(1)), stored(1, "v1", "latest"), stored(2))["newest_image_expires"]
        assert finding.image_digests == (digest(1),)
        assert "v1, latest" in finding.message

    def test_the_newest_image_may_be_untagged(self) -> None:
        untagged = RepositoryImage(digest(1), (), NOW)
        assert "(untagged)" in found(summary(previewed(1)), untagged, stored(2))["newest_image_expires"].message

    def test_the_newest_image_that_would_be_archived_is_named_as_well(self) -> None:
        finding = found(summary(archiving(1)), stored(1), stored(2))["newest_image_expires"]
        assert "would be archived" in finding.message

    def test_the_newest_image_that_stays_is_no_finding(self) -> None:
        assert "newest_image_expires" not in found(summary(previewed(2)), stored(1), stored(2))

    def test_a_signature_is_not_the_newest_image(self) -> None:
        signature = stored(1, subject_manifest_digest=digest(3))
        finding = found(summary(previewed(2)), signature, stored(2), stored(3))["newest_image_expires"]
        assert finding.image_digests == (digest(2),)

    def test_a_policy_that_archives_or_deletes_all_that_can_be_run_empties_the_repository(self) -> None:
        finding = found(summary(archiving(1), previewed(2)), stored(1), stored(2), stored(3, storage_class="ARCHIVE"))
        assert finding["would_empty_repository"].message.startswith("No image that can be run would be left: 2 of 2 ")

    def test_signatures_that_stay_do_not_keep_a_repository_from_being_empty(self) -> None:
        tag = f"{digest(1).replace(':', '-')}.sig"
        findings = found(summary(previewed(1)), stored(1), stored(2, subject_manifest_digest=digest(1)), stored(3, tag))
        assert findings["would_empty_repository"].severity == "critical"

    def test_untagged_images_that_may_be_parts_of_lists_that_go_do_not_either(self) -> None:
        index = "application/vnd.oci.image.index.v1+json"
        parts = [RepositoryImage(digest(number), (), NOW - timedelta(hours=number)) for number in (2, 3)]
        findings = found(summary(previewed(1)), stored(1, image_manifest_media_type=index), *parts)
        assert "may be parts of manifest lists" in findings["would_empty_repository"].message
        assert "would_empty_repository" not in found(summary(previewed(1)), stored(1), *parts)

    def test_a_repository_without_images_that_can_be_run_is_emptied_when_all_expires(self) -> None:
        archived = [stored(number, storage_class="ARCHIVE") for number in (1, 2)]
        assert "2 of 2" in found(summary(previewed(1), previewed(2)), *archived)["would_empty_repository"].message
        assert "would_empty_repository" not in found(summary(previewed(1)), *archived)

    def test_an_archived_image_is_not_the_newest(self) -> None:
        findings = found(summary(previewed(1)), stored(1, storage_class="ARCHIVE"), stored(2))
        assert "newest_image_expires" not in findings


class TestIdleRules:
    def test_a_rule_whose_tags_no_image_has_is_dead(self) -> None:
        finding = found(summary(of=policy(tagged(4, "release-*"))), stored(1, "v1"))["dead_rule"]
        assert "rule 4" in finding.message
        assert "release-*" in finding.message

    def test_a_rule_that_some_image_meets_is_not_dead(self) -> None:
        assert found(summary(of=policy(tagged(4, "v*"))), stored(1, "v1")) == {}

    def test_a_rule_that_took_an_image_is_not_dead(self) -> None:
        whole = summary(previewed(1, applied_rule_priority=4), of=policy(tagged(4, "release-*")))
        assert "dead_rule" not in found(whole, stored(1, "v1"), stored(2))

    def test_several_patterns_that_no_image_meets_all_of_match_nothing(self) -> None:
        findings = found(summary(of=policy(tagged(4, "v*", "release-*"))), stored(1, "v1"), stored(2, "release-1"))
        assert list(findings) == ["and_patterns_match_nothing"]

    def test_a_rule_for_untagged_images_is_never_dead(self) -> None:
        selection = {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1}
        assert found(summary(of=policy(rule(1, **selection))), stored(1, "v1")) == {}

    def test_no_rule_is_dead_in_an_empty_repository(self) -> None:
        assert found(summary(of=policy(tagged(1, "v*")))) == {}

    def test_of_many_dead_rules_ten_are_named(self) -> None:
        many = policy(*(tagged(number, f"old-{number}-*") for number in range(1, 14)))
        message = found(summary(of=many), stored(1, "v1"))["dead_rule"].message
        assert "rule 10 " in message
        assert "rule 11 " not in message
        assert "and 3 more" in message


class TestShadowedRules:
    def test_a_rule_below_one_that_selects_the_same_images_is_named(self) -> None:
        finding = found(summary(of=policy(tagged(1, "v*"), tagged(4, "v1*"), tagged(5, "x*"))))["shadowed_rule"]
        assert finding.severity == "warning"
        assert finding.message.startswith("Rule 4 (v1*): rules with lower numbers select the same images")

    def test_a_rule_for_any_image_below_rules_for_all_tagged_and_all_untagged_images_is_named(self) -> None:
        untagged = rule(4, tagStatus="untagged")
        everything = rule(9)
        finding = found(summary(of=policy(tagged(1, "*"), untagged, everything)))["shadowed_rule"]
        assert finding.message.startswith("Rule 9 (any images): rules with lower numbers select the same images")
        assert "shadowed_rule" not in found(summary(of=policy(tagged(1, "v*"), untagged, everything)))

    def test_a_rule_that_selects_more_is_not(self) -> None:
        assert "shadowed_rule" not in found(summary(of=policy(tagged(1, "v1*"), tagged(4, "v*"))))


class TestPulls:
    def test_an_affected_image_that_was_pulled_lately_is_named(self) -> None:
        pulls = recent_pulls_since(NOW, days=30)
        pulls.add(previewed(1, last_recorded_pull_time=NOW - timedelta(days=30)))
        pulls.add(previewed(2, last_recorded_pull_time=NOW - timedelta(days=31)))
        pulls.add(previewed(3))
        [finding] = find(summary(), recent_pulls=pulls)
        assert (finding.code, finding.image_digests) == ("recently_pulled_image_expires", (digest(1),))
        assert "1 affected image was pulled since 2026-10-24." in finding.message

    def test_no_recent_pull_is_no_finding(self) -> None:
        assert find(summary(), recent_pulls=recent_pulls_since(NOW)) == []

    def test_of_many_the_ten_latest_are_named_and_all_counted(self) -> None:
        pulls = RecentPulls(NOW - timedelta(days=90))
        for number in (7, 3, 12, 1, 9, 15, 2, 11, 4, 14, 5, 13, 6, 10, 8):
            pulls.add(previewed(number, last_recorded_pull_time=NOW - timedelta(days=number)))
        assert pulls.image_count == 15
        assert pulls.image_digests == tuple(digest(number) for number in range(1, 11))


class TestProtectedTags:
    def protected(self, *tags: tuple[str, ...]) -> ProtectedImages:
        images = ProtectedImages(ImageProtection().protected_tag_of)
        for number, of_image in enumerate(tags):
            images.add(previewed(number, image_tags=of_image))
        return images

    def test_an_affected_image_with_a_protected_tag_is_named_with_the_tag(self) -> None:
        [finding] = find(summary(), protected_images=self.protected(("v1", "live"), ("v2",), (), ("prod-eu",)))
        assert (finding.code, finding.severity) == ("protected_tag_expires", "critical")
        assert finding.image_digests == (digest(0), digest(3))
        assert "2 affected images have a protected tag (live, prod-eu). " in finding.message

    def test_of_many_ten_are_named_and_all_are_counted(self) -> None:
        [finding] = find(summary(), protected_images=self.protected(*((f"prod-{number}",) for number in range(15))))
        assert len(finding.image_digests) == 10
        assert (
            "15 affected images have a protected tag (prod-0, prod-1, prod-2, prod-3, prod-4, ...)" in finding.message
        )

    def test_no_protected_tag_is_no_finding(self) -> None:
        assert find(summary(), protected_images=self.protected(("v1",), ("main",))) == []


class TestReferrers:
    def signature(self, number: int, of: int, **fields: Any) -> RepositoryImage:
        return stored(number, subject_manifest_digest=digest(of), **fields)

    def codes(self, whole: PreviewSummary, *images: RepositoryImage, used: tuple[int, ...] = ()) -> set[str]:
        digests = {digest(number) for number in used}
        users = UsedImages(lambda image_digest, _: ["ECS"] if image_digest in digests else [], ())
        for key in whole.actions:
            users.add(previewed(int(str(digest_of(key))[7:], 16)))
        inventory = RepositoryInventory(whole.policy.rules, keep_images=bool(used))
        inventory.update(images)
        found = find(whole, inventory, used_images=users)
        return {finding.code for finding in found} & {"referrer_of_kept_image_expires"}

    def test_a_signature_that_goes_without_its_image_is_named(self) -> None:
        findings = found(summary(previewed(2)), stored(1), self.signature(2, 1), self.signature(3, 1))
        finding = findings["referrer_of_kept_image_expires"]
        assert (finding.severity, finding.image_digests) == ("critical", (digest(2),))
        assert "1 signature, SBOM or attestation would be deleted" in finding.message

    def test_a_signature_that_cosign_has_tagged_counts_too(self) -> None:
        tagged_by_cosign = stored(2, f"{digest(1).replace(':', '-')}.sig")
        assert self.codes(summary(previewed(2)), stored(1), tagged_by_cosign)

    def test_a_signature_that_goes_with_its_image_or_has_none_is_no_finding(self) -> None:
        assert not self.codes(summary(previewed(1), previewed(2)), stored(1), self.signature(2, 1))
        assert not self.codes(summary(previewed(2)), self.signature(2, 1))
        assert not self.codes(summary(previewed(1)), stored(1), self.signature(2, 1))

    def test_a_signature_that_goes_further_than_its_image_is_named(self) -> None:
        assert self.codes(summary(archiving(1), previewed(2)), stored(1), self.signature(2, 1))
        assert not self.codes(summary(archiving(1), archiving(2)), stored(1), self.signature(2, 1))
        assert not self.codes(summary(previewed(1), archiving(2)), stored(1), self.signature(2, 1))
        archived = stored(1, storage_class="ARCHIVE")
        assert self.codes(summary(previewed(2)), archived, self.signature(2, 1))
        assert not self.codes(summary(archiving(2)), archived, self.signature(2, 1))

    def test_a_signature_of_an_image_in_use_is_named_though_that_would_go_too(self) -> None:
        both = summary(previewed(1), previewed(2))
        assert self.codes(both, stored(1), self.signature(2, 1), used=(1,))
        assert self.codes(both, self.signature(2, 3), used=(3,))
        assert not self.codes(both, stored(1), self.signature(2, 1), used=(9,))

    def test_of_a_part_of_a_preview_it_is_not_known_what_stays(self) -> None:
        inventory = RepositoryInventory()
        inventory.update([stored(1), self.signature(2, 1)])
        assert find(summary(previewed(2)), inventory, is_whole=False) == []


def test_archiving_is_said_to_cost() -> None:
    [finding] = find(summary(archiving(1)))
    assert (finding.code, finding.severity) == ("storage_class_costs", "info")


def test_the_most_severe_come_first() -> None:
    whole = summary(archiving(2), previewed(1), of=policy(rule(1), tagged(2, "gone-*")))
    severities = [finding.severity for finding in found(whole, stored(1), stored(2), stored(3)).values()]
    assert severities == ["critical", "warning", "info"]


def test_without_an_inventory_only_the_preview_itself_is_judged() -> None:
    assert find(summary(previewed(1))) == []


class TestUsedImages:
    def used(self, users: dict[str, list[str]], *numbers: int, unread: tuple[str, ...] = ()) -> UsedImages:
        images = UsedImages(lambda image_digest, _: users.get(image_digest, []), unread)
        for number in numbers:
            images.add(previewed(number))
        return images

    def test_an_affected_image_that_is_in_use_is_the_most_severe_finding_and_says_who_uses_it(self) -> None:
        used = self.used({digest(2): ["ECS task web"]}, 1, 2)
        inventory = RepositoryInventory()
        inventory.update([stored(1), stored(2)])
        findings = find(summary(previewed(1), previewed(2)), inventory, used_images=used)
        assert [finding.code for finding in findings][:2] == ["in_use_image_expires", "would_empty_repository"]
        assert findings[0].severity == "critical"
        assert findings[0].image_digests == (digest(2),)
        assert "ECS task web" in findings[0].message

    def test_ten_images_are_named_and_all_are_counted(self) -> None:
        used = self.used({digest(number): ["ECS task web"] for number in range(15)}, *range(15))
        (finding,) = find(summary(), used_images=used)
        assert len(finding.image_digests) == 10
        assert "15" in finding.message
        assert finding.message.count("ECS task web") == 1

    def test_an_unused_image_is_no_finding(self) -> None:
        assert find(summary(previewed(1)), used_images=self.used({}, 1)) == []

    def test_a_source_that_cannot_be_read_is_a_finding_and_never_silence(self) -> None:
        (finding,) = find(summary(), used_images=self.used({}, 1, unread=("lambda: denied",)))
        assert (finding.code, finding.severity) == ("in_use_unknown", "warning")
        assert "lambda: denied" in finding.message


class TestReplicas:
    HERE = RepositoryId("123456789012", "eu-west-1", "payments/api")
    THERE = (RepositoryId("123456789012", "eu-north-1", "payments/api"),)

    def test_replicated_deletions_are_reported_with_their_destinations(self) -> None:
        [finding] = find(summary(previewed(1), previewed(2)), replicas=self.THERE)
        assert (finding.code, finding.severity) == ("replicated_deletion", "warning")
        assert "2 images that would expire here would also be deleted in 123456789012/eu-north-1" in finding.message

    def test_what_cannot_be_read_about_them_is_good_to_know(self) -> None:
        [finding] = find(summary(previewed(1)), replicas=Unread("the caller may not ecr:DescribeRegistry."))
        assert (finding.code, finding.severity) == ("replicated_deletion_unknown", "info")
        assert "ecr:DescribeRegistry" in finding.message

    @pytest.mark.parametrize("replicas", [THERE, Unread("denied")])
    def test_where_nothing_expires_destinations_do_not_matter(self, replicas: Any) -> None:
        assert [finding.code for finding in find(summary(archiving(1)), replicas=replicas)] == ["storage_class_costs"]
        assert find(summary(), replicas=replicas) == []

    def test_without_such_a_rule_destinations_do_not_matter(self) -> None:
        assert find(summary(previewed(1)), replicas=()) == []

    def test_what_runs_where_deletions_are_replicated_to_is_in_use(self) -> None:
        here, there = runs({"v1": "here"}, ["a"]), runs({"v1": "there", "v2": "there", "v3": "there"}, ["b", "a"])
        used = here.with_replicas([there])
        for image in (previewed(1), archiving(2), previewed(3), previewed(4)):
            used.add(image)
        assert (used.image_count, used.examples) == (2, {digest(1): "here", digest(3): "there"})
        assert used.unread_sources == ["a", "b"]

    def test_a_preview_is_read_with_what_runs_there(self) -> None:
        lookout = Lookout(
            used_images=lambda repository: runs({} if repository == self.HERE else {"v1": "ECS task x"}, ()),
            replicas_of=lambda repository: list(self.THERE) if repository == self.HERE else [],
        )
        assert [finding["code"] for finding in read_preview([page(previewed(1))], lookout=lookout)["findings"]] == [
            "in_use_image_expires",
            "replicated_deletion",
        ]
        unread = Lookout(used_images=lambda _: runs({}, ()), replicas_of=lambda _: Unread("denied"))
        assert [finding["code"] for finding in read_preview([page(previewed(1))], lookout=unread)["findings"]] == [
            "replicated_deletion_unknown"
        ]


def runs(users: dict[str, str], unread: Any) -> UsedImages:
    return UsedImages(lambda _, tags: [users[tag] for tag in tags if tag in users], unread)

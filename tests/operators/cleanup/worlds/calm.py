"""Where nothing comes between, what may go has to go, and whatever blocks or spares has to be true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.operators.cleanup.worlds.registry import Place
from tests.operators.cleanup.worlds.rules import DAY, Rules, Seen, State, state_of

if TYPE_CHECKING:
    from tests.operators.cleanup.worlds.play import Play

BUILD_SECONDS = 3_600.0
MAX_AGE_HOURS = 24.0


def judge_calm(play: Play, before: Mapping[Place, State]) -> None:
    """Complain about every image that had to go and did not, and about every block that is not true.

    :param play: the world, at its end.
    :param before: what was in each repository when the clean-up began.
    """
    witness, ended = play.witness, play.ended[-1]
    if ended.value is None:
        witness.complain("a calm clean-up has no result")
        return
    statuses = {_place(repository): repository for repository in ended.value["repositories"]}
    run_blocks = [check["code"] for check in ended.value["checks"] if check["verdict"] in ("blocked", "unknown")]
    for place, state in before.items():
        judge = _Judge(play, place, state)
        repository = statuses[place]
        blocks = [check for check in repository["checks"] if check["verdict"] in ("blocked", "unknown")]
        untrue = [check for check in blocks if not judge.is_true(check["code"])]
        for check in untrue:
            witness.counts["blocks in calm worlds that are not true"] += 1
            witness.complain(f"calm: {place[2]} is blocked by {check['code']}, which is not true: {check['message']}")
        witness.counts["blocks in calm worlds that are true"] += len(blocks) - len(untrue)
        if blocks or run_blocks or play.spec.settings["dry_run"]:
            continue
        judge.judge_spared({line["image_digest"]: line for line in ended.lines or ()})
        judge.judge_gone(is_listed=ended.lines is not None)
    if "run_max_images" in run_blocks:
        most = sum(len(rules.approved) for rules in witness.rules.values())
        if most <= play.spec.settings["max_images_per_run"]:
            witness.complain("calm: run_max_images blocks, which is not true")
    refused = {"approval_given"} if play.spec.approval not in ("none", "right", "digest") else set()
    if set(run_blocks) - {"run_max_images"} - refused:
        witness.complain(f"calm: the run is blocked by {run_blocks}")


class _Judge:
    """Judges one repository of a calm world.

    :param play: the world, at its end.
    :param place: the repository.
    :param before: what was in it.
    """

    def __init__(self, play: Play, place: Place, before: State) -> None:
        self.play = play
        self.place = place
        self.before = before
        self.after: State = state_of(play.world.found(place))
        self.rules: Rules = play.witness.rules[place]
        self.settings = play.spec.settings
        self.now = play.ecr.now.timestamp()

    def is_true(self, code: str) -> bool:
        """Return whether a check that blocks may be right, as far as that can be told."""
        spec, settings, approved = self.play.spec, self.settings, self.rules.approved
        number = next(n for n in range(len(spec.repositories)) if self.play.world.place(n) == self.place)
        replicated = bool(spec.replications) and settings["action"] == "delete"
        truths: Mapping[str, Any] = {
            "in_use": "touched although it is not known what is in use" in self.rules.forbidden,
            "replicas": replicated and not all(rule.is_read for rule in spec.replications),
            "preview_age": spec.hours_between >= MAX_AGE_HOURS,
            "preview_unchanged": self._is_changed(settings["on_change"]),
            "tags_unchanged": not spec.repositories[number].is_listed,
            "findings": not settings["ignored_findings"],
            "max_images": len(approved) > settings["max_images"],
            "max_share": len(approved) > settings["max_share"] * len(self.before),
            "images_left": self._few_are_left(),
            "approved_unchanged": spec.approval not in ("none", "right", "digest"),
        }
        # What was changed after the approval is not what a fresh preview says either.
        changed = spec.approval in ("list changed", "summary changed")
        return bool(truths.get(code, False)) or changed

    def _is_changed(self, on_change: str) -> bool:
        """Return whether the fresh preview may differ so that it blocks."""
        # Time alone makes a rule that counts days expire more images, which block only if that is asked for.
        previewed, approved = self._previewed(), self.rules.approved.keys()
        if on_change == "block_any":
            return previewed != approved
        return on_change == "block" and not approved <= previewed

    def _previewed(self) -> frozenset[str]:
        """Return the images of the last fresh preview."""
        return self.play.ended[-1].attempt.previewed.get(self.place, frozenset())

    def judge_spared(self, lines: Mapping[str, Mapping[str, Any]]) -> None:
        """Complain about reasons that are not true."""
        for digest, line in lines.items():
            if line["status"] == "spared" and digest in self.before and not self._is_reason(line["reason"], digest):
                self._complain(f"{digest[7:15]} is spared for {line['reason']}, which is not true")

    def judge_gone(self, *, is_listed: bool) -> None:
        """Complain about images that had no reason to stay."""
        counts = self.play.witness.counts
        for digest in self.rules.approved:
            image = self.before.get(digest)
            if image is None or any(self._is_reason(reason, digest) for reason in _REASONS):
                continue
            left = self.after.get(digest)
            has_gone = left is None if self.settings["action"] == "delete" else left and left.status == "ARCHIVED"
            counts["images that may go in calm worlds"] += 1
            counts["images that went in calm worlds"] += bool(has_gone)
            if not has_gone:
                self._complain(f"{digest[7:15]} stays for no reason")

    def _few_are_left(self) -> bool:
        """Return whether so few images that can be run may be left that the floor blocks."""
        runnable = [image for image in self.before.values() if image.can_be_run]
        staying = [image for image in runnable if image.digest not in self.rules.approved]
        # Once a list goes, an untagged image may be a part of it that nothing names any more.
        certain = [image for image in staying if image.tags or image.children]
        return len(certain) < max(self.settings["minimum_images_left"], 1)

    def _is_reason(self, reason: str, digest: str) -> bool:
        image = self.before[digest]
        return _REASONS[reason](self, image) if reason in _REASONS else False

    def _complain(self, what: str) -> None:
        self.play.witness.complain(f"calm: {self.place[2]}: {what}")

    def newer(self, image: Seen) -> int:
        """Return how many images are newer than one that can be run for certain: no part of a list that may go."""
        has_list = any(other.children for other in self.before.values())
        certain = [other for other in self.before.values() if other.tags or other.children or not has_list]
        return sum(other.can_be_run and other.changed_at > image.changed_at + 1e-6 for other in certain)

    def is_newest(self, image: Seen) -> bool:
        """Return whether an image may be among the newest, where some are as new."""
        count = self.settings["newest_images_kept"]
        newer = [
            other for other in self.before.values() if other.can_be_run and other.changed_at > image.changed_at + 1e-6
        ]
        tagged = [other for other in newer if other.tags]
        return bool(count) and image.can_be_run and (len(newer) < count or (bool(image.tags) and len(tagged) < count))

    def has_used_child(self, image: Seen) -> bool:
        """Return whether a list names an image in use, or may be taken to: it was pushed right after one."""
        if not image.children:
            return False
        used = [other for other in self.before.values() if self.rules.is_used(other)]
        soon = (0 <= image.pushed_at - other.pushed_at <= BUILD_SECONDS + 60 for other in used)
        named = {child for entry in self._below(image) for child in entry.children}
        return any(soon) or any(other.digest in named for other in used) or bool(named & self.rules.used_digests)

    def _below(self, image: Seen) -> list[Seen]:
        found, pending = [image], [image]
        while pending:
            for child in pending.pop().children:
                below = self.before.get(child)
                if below is not None and below.children and below not in found:
                    found.append(below)
                    pending.append(below)
        return found

    def is_protected_in_replica(self, image: Seen) -> bool:
        """Return whether a copy that would be deleted, too, is protected there."""
        if self.settings["action"] != "delete":
            return False
        copies = (
            state_of(self.play.world.found(place)).get(image.digest)
            for place in self.play.world.places()
            if place not in self.play.witness.rules and place[2] == self.place[2]
        )
        return any(copy and (self.rules.is_protected(copy) or self.rules.is_used(copy)) for copy in copies)


def _place(repository: Mapping[str, Any]) -> Place:
    return repository["registry_id"], repository["region_name"], repository["repository_name"]


_REASONS: Mapping[str, Any] = {
    "protected_tag": lambda j, i: j.rules.is_protected(i) or j.is_protected_in_replica(i),
    "in_use": lambda j, i: j.rules.is_used(i) or j.is_protected_in_replica(i),
    "newest": lambda j, i: j.is_newest(i),
    "minimum_images_left": lambda j, i: i.can_be_run and j.newer(i) < max(j.settings["minimum_images_left"], 1),
    "too_young": lambda j, i: (
        bool(j.settings["min_age_days"]) and i.changed_at > j.now - j.settings["min_age_days"] * DAY - 60
    ),
    "recently_pulled": lambda j, i: (
        bool(j.settings["recently_pulled_days"])
        and (i.pulled_at or 0) > j.now - (j.settings["recently_pulled_days"] + 1) * DAY - 60
    ),
    "only_to_be_archived": lambda j, i: (
        j.settings["action"] == "delete" and j.rules.approved[i.digest].action != "EXPIRE"
    ),
    "archived_already": lambda j, i: j.settings["action"] == "archive" and i.status == "ARCHIVED",
    "subject_stays": lambda j, i: any(
        of in j.rules.used_digests
        or (of in j.after and (j.settings["action"] == "delete" or j.after[of].status == "ACTIVE"))
        for of in i.subjects
    ),
    "referrer_stays": lambda j, i: bool(j.rules.holders(i, j.before)),
    "child_in_use": lambda j, i: j.has_used_child(i),
    "referenced_by_manifest_list": lambda j, i: any(
        i.digest in other.children and other.status == "ACTIVE" for other in j.after.values()
    ),
}

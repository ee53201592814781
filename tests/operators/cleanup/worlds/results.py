"""Whether the results of the clean-ups say what happened."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.operators.cleanup.worlds.registry import Place
from tests.operators.cleanup.worlds.rules import Approved
from tests.operators.cleanup.worlds.schedule import Worker
from tests.operators.cleanup.worlds.witness import Attempt, Witness

DONE = ("deleted", "archived")
LOST = "reply_lost"
UNDONE = ("failed", "unknown", "not_attempted")


@dataclass
class Ended:
    """An attempt that has ended, with what it pushed and wrote."""

    worker: Worker
    attempt: Attempt
    context: Any
    path: Path | None
    value: Mapping[str, Any] | None = None
    lines: list[dict[str, Any]] | None = None
    intended: set[tuple[Place, str]] = field(default_factory=set)
    """What had been written down as about to be touched when it died."""

    @property
    def is_remembered(self) -> bool:
        """Whether the next attempt finds what this one has written down."""
        return self.path is not None or "task_state_store" in self.context

    def take_results(self) -> None:
        """Read what it pushed, and its list of results, before the next attempt replaces them."""
        if self.worker.is_killed:
            return
        self.value = self.worker.result
        if self.worker.error is not None:
            calls = self.context["ti"].xcom_push.call_args_list
            pushed = [call.kwargs["value"] for call in calls if call.kwargs.get("key") == "return_value"]
            self.value = pushed[-1] if pushed else None
        if self.path is not None and self.path.exists():
            self.lines = [json.loads(line) for line in gzip.decompress(self.path.read_bytes()).splitlines()]


@dataclass
class _Known:
    """What the attempts at one clean-up did so far."""

    removed: dict[Place, set[str]] = field(default_factory=dict)
    unanswered: dict[Place, set[str]] = field(default_factory=dict)

    def intend(self, images: set[tuple[Place, str]]) -> None:
        for place, digest in images:
            self.unanswered.setdefault(place, set()).add(digest)

    def add(self, attempt: Attempt) -> None:
        for mine, its in ((self.removed, attempt.removed), (self.unanswered, attempt.unanswered)):
            for place, digests in its.items():
                mine.setdefault(place, set()).update(digests)


def judge_results(
    witness: Witness,
    ended: Sequence[Ended],
    approved: Mapping[Place, Mapping[str, Approved]],
    kept: Callable[[int], str],
) -> None:
    """Complain about every result that does not say what happened.

    :param witness: saw what happened.
    :param ended: the attempts of all clean-ups, each in order.
    :param approved: what was approved, by repository.
    :param kept: returns all that a clean-up has written down.
    """
    complaints = len(witness.complaints)
    for run in {finished.attempt.run for finished in ended}:
        attempts = [finished for finished in ended if finished.attempt.run == run]
        known = _Known()
        for finished in attempts:
            before = known if finished.is_remembered else _Known()
            _judge(witness, finished, approved, before)
            known.add(finished.attempt)
            if finished.worker.is_killed:
                # What it was about to send may be gone without it.
                known.intend(finished.intended)
        last = attempts[-1]
        if last.worker.is_killed and last.is_remembered:
            text = kept(run)
            lost = [digest for digests in known.removed.values() for digest in digests if digest not in text]
            for digest in lost:
                witness.complain(f"run {run}: after the kill nothing names {digest[7:15]}, which it removed")
        _judge_limits(witness, attempts)
    witness.counts["results that are not true"] += len(witness.complaints) - complaints


def _judge(witness: Witness, ended: Ended, approved: Mapping[Place, Mapping[str, Approved]], before: _Known) -> None:
    attempt, value = ended.attempt, ended.value
    named = f"run {attempt.run} attempt {attempt.number}"
    if ended.worker.is_killed:
        return
    if value is None:
        if any(attempt.removed.values()):
            witness.complain(f"{named} pushed nothing and removed {sum(map(len, attempt.removed.values()))} images")
        return
    witness.counts["results"] += 1
    for repository in value["repositories"]:
        place = (repository["registry_id"], repository["region_name"], repository["repository_name"])
        _count(witness, repository)
        _judge_repository(
            witness,
            f"{named}: {place[2]}",
            ended,
            repository,
            place=place,
            approved=approved[place],
            before=before,
        )
    total = sum(repository["touched_image_count"] for repository in value["repositories"])
    if total != value["touched_image_count"]:
        witness.complain(f"{named} says {value['touched_image_count']} touched in all, its repositories {total}")


def _count(witness: Witness, repository: Mapping[str, Any]) -> None:
    witness.counts[f"repositories {repository['status']}"] += 1
    for check in repository["checks"]:
        if check["verdict"] in ("blocked", "unknown") and repository["status"] == "blocked":
            witness.counts[f"repositories blocked by {check['code']}"] += 1
    for reason, count in repository["spared"].items():
        witness.counts[f"images spared: {reason}"] += count


def _judge_repository(
    witness: Witness,
    named: str,
    ended: Ended,
    repository: Mapping[str, Any],
    *,
    place: Place,
    approved: Mapping[str, Approved],
    before: _Known,
) -> None:
    attempt = ended.attempt
    removed = attempt.removed.get(place, set()) | before.removed.get(place, set())
    unanswered = attempt.unanswered.get(place, set()) | before.unanswered.get(place, set())
    unsure, touched = repository["unknown_image_count"], repository["touched_image_count"]
    is_dry = ended.value is not None and ended.value["dry_run"]
    # What is gone after a call without a reply may be somebody else's doing.
    if not is_dry and not len(removed) - unsure <= touched <= len(removed | unanswered):
        witness.complain(f"{named} says {touched} touched, {len(removed)} were ({unsure} unknown)")
    if repository["status"] == "done" and (sum(repository["failures"].values()) or unsure):
        witness.complain(f"{named} is done, with failures")
    if ended.lines is None:
        return
    lines = {line["image_digest"]: line for line in ended.lines if _is_of(line, place)}
    _judge_lines(witness, named, lines, removed, unanswered, is_dry=is_dry)
    listed = sum(line["status"] in DONE for line in lines.values())
    if not is_dry and listed != touched:
        witness.complain(f"{named} says {touched} touched, its list {listed}")
    unlisted = approved.keys() - lines.keys()
    if unlisted and repository["status"] not in ("blocked", "incomplete"):
        witness.complain(f"{named} does not list {len(unlisted)} approved images")


def _judge_lines(
    witness: Witness,
    named: str,
    lines: Mapping[str, Mapping[str, Any]],
    removed: set[str],
    unanswered: set[str],
    *,
    is_dry: bool,
) -> None:
    for digest, line in lines.items():
        status, reason = line["status"], line["reason"]
        short = f"{named} says {digest[7:15]} is {status} ({reason})"
        if status in DONE and digest not in removed and not (reason == LOST and digest in unanswered):
            witness.complain(f"{short}, and it was not by us")
        if status not in (*DONE, "unknown") and digest in removed:
            witness.complain(f"{short}, and we removed it")
        if status == "unknown" and digest not in unanswered | removed:
            witness.complain(f"{short}, and no reply was lost")
        witness.counts["images whose reply was lost"] += status in DONE and reason == LOST
    if not is_dry:
        for digest in removed - lines.keys():
            witness.complain(f"{named} does not list {digest[7:15]}, which we removed")


def _judge_limits(witness: Witness, attempts: Sequence[Ended]) -> None:
    for finished in attempts:
        attempt = finished.attempt
        for place, digests in attempt.touched.items():
            settings = witness.rules[place].settings
            if len(digests) > settings["max_images"]:
                witness.complain(f"{place[2]}: {len(digests)} images touched, max_images is {settings['max_images']}")
            if len(digests) > settings["max_share"] * attempt.largest.get(place, 0):
                witness.complain(f"{place[2]}: {len(digests)} of {attempt.largest.get(place)} images touched")
            if sum(map(len, attempt.touched.values())) > settings["max_images_per_run"]:
                witness.complain("more images touched than max_images_per_run")


def _is_of(line: Mapping[str, Any], place: Place) -> bool:
    return (line["registry_id"], line["region_name"], line["repository_name"]) == place

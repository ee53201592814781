"""Play a world: preview, approve, and clean up with whatever comes between; then judge what happened."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview.core.cleanup.plan import batches_of
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.engine import image_removal as removal
from airflow_provider_ecr_preview.local import ImagesRefused, LocalEcr
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.reports.segments import unpacked
from tests.operators.cleanup.worlds.approvals import approval
from tests.operators.cleanup.worlds.calm import judge_calm
from tests.operators.cleanup.worlds.random_worlds import POLICIES
from tests.operators.cleanup.worlds.registry import Place, World
from tests.operators.cleanup.worlds.results import Ended, judge_results
from tests.operators.cleanup.worlds.rules import Approved, Rules, state_of
from tests.operators.cleanup.worlds.schedule import Death, Gate, Worker, in_turns
from tests.operators.cleanup.worlds.spec import WorldSpec
from tests.operators.cleanup.worlds.transport import InstantEvent, Waits
from tests.operators.cleanup.worlds.witness import Attempt, Witness, not_kept
from tests.support.contexts import task_context

AWS: dict[str, Any] = {"aws_conn_id": None}
HOUR = 3_600.0
MAX_AGE_HOURS = 24.0


HEADLINES = (
    "worlds",
    "images approved",
    "images touched",
    "touched outside of what was approved",
    "touched though protected",
    "touched though in use",
    "touched though something that stays refers to it",
    "touched against another rule",
    "changed within the one call",
    "results",
    "results that are not true",
    "blocks in calm worlds that are not true",
    "images that may go in calm worlds",
    "images that went in calm worlds",
)
"""What is counted first."""


def order_of(what: str) -> tuple[int, str]:
    """Return where a count is printed.

    :param what: what is counted.
    """
    return (HEADLINES.index(what) if what in HEADLINES else len(HEADLINES)), what


class Store:
    """Airflow's task state store, as far as it is used here."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)

    def text(self) -> str:
        """Return all that is in it."""
        return "\n".join(unpacked(value) for value in self.values.values())


@dataclass
class Played:
    """What became of a world."""

    complaints: list[str]
    counts: Counter[str]
    ended: list[Ended] = field(default_factory=list)

    @property
    def kind(self) -> str | None:
        """What went wrong first, without what differs from world to world; None if nothing did."""
        return re.sub(r"[0-9a-f]{8}|[0-9.]+|\S+/\S+", "", self.complaints[0]) if self.complaints else None


class Play:
    """One world on the stage.

    :param ecr: the local ECR.
    :param spec: the world.
    :param folder: for what is written; it is emptied.
    :param waits: says whether somebody waited.
    """

    def __init__(self, ecr: LocalEcr, spec: WorldSpec, folder: Path, waits: Waits) -> None:
        self.spec = spec
        self.waits = waits
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.ecr = ecr
        ecr.reset()
        self.workers: dict[int, Worker] = {}
        self.stores = [Store() for _ in spec.runs]
        self.ended: list[Ended] = []

    def run(self) -> Played:
        """Play it to its end."""
        spec, ecr = self.spec, self.ecr
        # The preview is made some hours before the clean-up; the clock of the worker is that of this machine.
        # Two hours more, so that the running clock of ECR never goes back.
        passed = timedelta(hours=spec.hours_between + 2)
        self.world = world = World(ecr, spec, began=passed)
        self.summaries = [self._preview(number) for number in range(len(spec.repositories))]
        approved = {world.place(number): self._approved(number) for number in range(len(spec.repositories))}
        ecr.clock.advance(passed + timedelta(minutes=spec.skew_minutes))
        self.in_use = world.in_use()
        self.approved = approval(spec, self.summaries)
        if spec.approval == "rerun":
            self.summaries = [self._preview(number) for number in range(len(spec.repositories))]
        rules = {place: self._rules(number, place, approved[place]) for number, place in enumerate(approved)}
        for act in spec.before:
            world.do(act)
        self.witness = witness = Witness(world, rules, self.waits)
        witness.fingerprints = {
            world.place(number): summary["policy_fingerprint"] for number, summary in enumerate(self.summaries)
        }
        before = {place: state_of(world.found(place)) for place in rules}
        self._inject(witness)
        self.waits.take()
        with mock.patch.object(removal, "batches_of", self._batches_of):
            in_turns(spec.seed, [self._attempt(run, 1) for run in range(len(spec.runs))], self._follower)
        # What must never happen is counted as well where it did not.
        witness.counts.update(dict.fromkeys(HEADLINES, 0))
        judge_results(witness, self.ended, approved, self.kept)
        if spec.is_calm:
            judge_calm(self, before)
        witness.counts.update(
            {
                "worlds": 1,
                "acts of others": world.acts,
                "images approved": sum(map(len, approved.values())),
                "worlds with clean-ups side by side": len(spec.runs) > 1,
                "calm worlds": spec.is_calm,
            }
        )
        # Only now, because the code under test cleans up behind itself as its threads end.
        for ended in self.ended:
            ended.worker.bury()
        return Played(witness.complaints, witness.counts, self.ended)

    def _batches_of(self, images: Any, size: int = 100) -> Any:
        return batches_of(images, min(size, self.spec.batch))

    def kept(self, run: int) -> str:
        """Return all that a clean-up has written down for its next attempt."""
        files = [file for file in self._results_path(run).parent.rglob("*") if file.is_file()]
        texts = [
            gzip.decompress(data).decode() if data[:2] == b"\x1f\x8b" else data.decode()
            for data in map(Path.read_bytes, files)
        ]
        # The list of results has what was planned before the first change, too; that is no record of a call.
        lines = (line for text in texts for line in text.splitlines() if '"status":"not_attempted"' not in line)
        return "\n".join([self.stores[run].text(), *lines])

    def _preview(self, number: int) -> Any:
        repository = self.spec.repositories[number]
        context = task_context()
        where = {"repository_name": repository.name, "region_name": repository.region, **AWS}
        policy = {"lifecycle_policy_text": POLICIES[repository.policy]} if repository.is_candidate else {}
        EcrStartLifecyclePolicyPreviewOperator(task_id="start", **where, **policy).execute(context)
        path = f"file://{self.folder}/images-{number}.jsonl.gz" if repository.is_listed else None
        summary: dict[str, Any] = dict(
            EcrSummarizeLifecyclePolicyPreviewOperator(task_id="summarize", images_path=path, **where).execute(context)
        )
        previewed_at = datetime.fromisoformat(summary["previewed_at"])
        return {**summary, "previewed_at": (previewed_at - timedelta(hours=self.spec.hours_between)).isoformat()}

    def _approved(self, number: int) -> dict[str, Approved]:
        preview = self.world.found(self.world.place(number)).preview
        assert preview is not None
        return {
            verdict.image.image_digest: Approved(str(verdict.action), frozenset(verdict.image.image_tags))
            for verdict in preview._taken
        }

    def _rules(self, number: int, place: Place, approved: dict[str, Approved]) -> Rules:
        spec, settings = self.spec, self.spec.settings
        references = self.world.references()
        replicas = [
            rule
            for rule in spec.replications
            if settings["action"] == "delete"
            and rule.deletions
            and place[1] == spec.repositories[0].region
            and place[2].startswith(rule.prefix)
        ]
        names = {(place[0], place[1], place[2])} | {
            where for where, _, _ in references if replicas and where[2] == place[2]
        }
        forbidden = ["touched in a dry run"] if settings["dry_run"] else []
        if spec.approval not in ("none", "right", "digest", "dry run"):
            forbidden.append("not what was approved")
        if spec.approval == "dry run" and not settings["dry_run"]:
            forbidden.append("approved for a dry run only")
        if spec.hours_between > MAX_AGE_HOURS + abs(spec.skew_minutes) / 60:
            forbidden.append("approved too long ago")
        if settings["check_in_use"]:
            used = spec.in_use
            lacks = used.lacks_scope and place[1] == spec.repositories[0].region
            unread = any(not rule.is_read for rule in replicas)
            if not used.is_given or used.is_unread or lacks or unread or used.age_hours > MAX_AGE_HOURS:
                forbidden.append("touched although it is not known what is in use")
        return Rules(
            settings=settings,
            approved=approved,
            used_digests=frozenset(
                what for where, kind, what in references if kind == "bare" or (kind == "digest" and where in names)
            ),
            used_tags=frozenset(what for where, kind, what in references if kind == "tag" and where in names),
            forbidden=tuple(forbidden),
            skew=abs(spec.skew_minutes) * 60,
        )

    def _inject(self, witness: Witness) -> None:
        self.ecr.inject(Gate(self.workers), calls=None)
        self.ecr.inject(witness.at_first(), calls=None)
        for trouble in self.spec.troubles:
            fault = self.world.fault(trouble)
            operation = "BatchDeleteImage" if isinstance(fault, ImagesRefused) else trouble.operation
            self.ecr.inject(fault, operation, skip=trouble.skip, calls=trouble.calls)
        self.ecr.inject(witness.at_last(), calls=None)
        self.ecr.inject(Death(self.workers), calls=None)

    def _attempt(self, run: int, number: int) -> Worker:
        spec = self.spec.runs[run]
        memory = spec.memory
        context: Any = {"ti": mock.Mock(spec=["xcom_push", "try_number", "map_index"], try_number=number, map_index=-1)}
        if memory in ("store", "both"):
            context["task_state_store"] = self.stores[run]
        operator = self._operator(run, memory)
        attempt = Attempt(run, number, kept=(lambda: self.kept(run)) if memory != "none" else not_kept)

        def work() -> Any:
            self.workers[threading.get_ident()] = worker
            self.witness.attempts[threading.get_ident()] = attempt
            return operator.execute(context)

        kill = spec.kills[number - 1] if number <= len(spec.kills) else None
        worker = Worker(work, kill, operator.on_kill)
        self.ended.append(
            Ended(worker, attempt, context, self._results_path(run) if memory in ("path", "both") else None)
        )
        return worker

    def _follower(self, worker: Worker) -> Worker | None:
        ended = next(attempt for attempt in self.ended if attempt.worker is worker)
        attempt, spec = ended.attempt, self.spec.runs[ended.attempt.run]
        ended.take_results()
        if worker.is_killed and ended.is_remembered:
            text = self.kept(attempt.run)
            ended.intended = {
                (place, digest)
                for place, rules in self.witness.rules.items()
                for digest in rules.approved
                if digest in text
            }
        self._count(ended)
        if worker.error is None and not worker.is_killed:
            return None
        if not worker.is_killed and attempt.number > spec.retries:
            return None
        return (
            self._attempt(attempt.run, attempt.number + 1)
            if attempt.number <= max(spec.retries, len(spec.kills))
            else None
        )

    def _count(self, ended: Ended) -> None:
        counts, error = self.witness.counts, ended.worker.error
        counts["attempts"] += 1
        counts["attempts that died"] += ended.worker.is_killed
        counts["images touched"] += sum(map(len, ended.attempt.removed.values()))
        if error is not None and not isinstance(
            error, CleanupBlockedError | CleanupIncompleteError | AirflowSkipException
        ):
            self.witness.complain(f"attempt {ended.attempt.number} raises {type(error).__name__}: {error}")

    def _operator(self, run: int, memory: str) -> EcrDeletePreviewedImagesOperator:
        candidates = {
            repository.name: POLICIES[repository.policy]
            for repository in self.spec.repositories
            if repository.is_candidate
        }
        operator = EcrDeletePreviewedImagesOperator(
            task_id="clean_up",
            summary=json.loads(json.dumps(self.summaries)),
            in_use=self.in_use,
            approved=self.approved,
            lifecycle_policies=candidates or None,
            results_path=f"file://{self._results_path(run)}" if memory in ("path", "both") else None,
            failure_retry_delay=0.0,
            timeout=20.0,
            **self.spec.settings,
            **AWS,
        )
        operator.__dict__["_stop"] = InstantEvent(self.waits)
        return operator

    def _results_path(self, run: int) -> Path:
        return self.folder / f"run-{run}" / "results.jsonl.gz"


def _text_of(file: Path) -> str:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.suffix == ".gz" else data).decode()


def play(ecr: LocalEcr, spec: WorldSpec, folder: Path, waits: Waits) -> Played:
    """Play a world and return what became of it.

    :param ecr: the local ECR.
    :param spec: the world.
    :param folder: for what is written.
    :param waits: says whether somebody waited.
    """
    return Play(ecr, spec, folder, waits).run()

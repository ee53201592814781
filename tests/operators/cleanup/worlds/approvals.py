"""What is given to a clean-up as ``approved``, and what others do to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.approval import ApprovedRepository, approval_xcom
from airflow_provider_ecr_preview.reports.lists import listed_images
from tests.operators.cleanup.worlds.spec import WorldSpec

ANSWER = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": "2026-01-01T00:00:00+00:00",
    "responded_by_user": {"id": "1", "name": "sam"},
}


def approved_by_a_person(summaries: Sequence[Any], action: str, *, dry_run: bool) -> dict[str, Any]:
    """Return what the approval of summaries pushes.

    :param summaries: what was shown.
    :param action: what may be done.
    :param dry_run: whether only a dry run is approved.
    """
    repositories = [ApprovedRepository.of(summary, _listed(summary)) for summary in summaries]
    return {**approval_xcom(action, repositories, dry_run=dry_run), **ANSWER}  # type: ignore[arg-type]  # delete or archive


def approval(spec: WorldSpec, summaries: list[Any]) -> Any:
    """Return what is given as ``approved``, and change what was approved where the world says so.

    :param spec: the world.
    :param summaries: what was previewed; changed in place.
    """
    kind, settings = spec.approval, spec.settings
    if kind == "none":
        return None
    value = approved_by_a_person(summaries, settings["action"], dry_run=kind == "dry run" or settings["dry_run"])
    if kind == "digest":
        return value["digest"]
    if kind == "rejected":
        value["chosen_options"] = ["Reject"]
    elif kind == "list changed":
        _change_lists(summaries)
    elif kind == "summary changed":
        for summary in summaries:
            previewed_at = datetime.fromisoformat(summary["previewed_at"])
            summary["previewed_at"] = (previewed_at + timedelta(seconds=1)).isoformat()
    return value


def _listed(summary: Any) -> Any:
    return listed_images(summary)


def _change_lists(summaries: Sequence[Any]) -> None:
    """Let each list name another image, or its image other tags."""
    for summary in summaries:
        if summary["images_uri"] is None:
            # Without a list, the summary itself holds the images.
            summary["sample"] = [{**image, "image_tags": ["changed"]} for image in summary["sample"]]
            summary["expiring_image_count"] += 1
            continue
        file = Path(summary["images_uri"].removeprefix("file://"))
        images = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
        added = {**images[0], "image_digest": f"sha256:{'0' * 64}"} if images else None
        changed = [*images, added] if added else []
        file.write_bytes(gzip.compress("".join(f"{json.dumps(image)}\n" for image in changed).encode()))
        summary["images_uri"] += "" if images else ".gone"

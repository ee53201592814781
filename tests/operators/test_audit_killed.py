"""What a process that was killed leaves to the next one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from airflow_provider_ecr_preview.local import LocalEcr

REPOSITORIES = 500

AUDIT = """
import json, sys
from datetime import UTC, datetime
from unittest import mock
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator

names, reports_path, try_number = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "task"], map_index=-1, try_number=try_number)
ti.task.outlets = []
task = EcrAuditLifecyclePoliciesOperator(
    task_id="audit", repository_names=names, reports_path=reports_path, audit_id="weekly 1", write_image_lists=False
)
value = task.execute({"ti": ti, "dag_run": mock.Mock(start_date=datetime(2026, 1, 1, tzinfo=UTC))})
print("RESULT", value["repository_count"], value["expiring_image_count"], value["failed_count"])
"""


def test_after_a_kill_halfway_the_audit_is_complete_and_few_repositories_are_read_twice(
    local_ecr: LocalEcr, tmp_path: Path
) -> None:
    policy = {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
                "action": {"type": "expire"},
            }
        ]
    }
    names = [f"team/service-{number:03}" for number in range(REPOSITORIES)]
    for name in names:
        local_ecr.create_repository(name, policy=policy)
        local_ecr.push_many(name, 2)
    local_ecr.preview_seconds = 1.0
    local_ecr.calls.clear()
    command = [sys.executable, "-c", AUDIT, json.dumps(names), f"file://{tmp_path}/reports"]

    first = subprocess.Popen([*command, "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while local_ecr.calls.count("DescribeImages") < REPOSITORIES / 2:
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait(300)
    second = subprocess.run([*command, "2"], capture_output=True, text=True, check=False, timeout=300)

    assert f"RESULT {REPOSITORIES} {REPOSITORIES} 0" in second.stdout, second.stdout[-2000:] + second.stderr[-2000:]
    asked: Counter[tuple[str, str | None]] = Counter(
        (call.operation, call.repository) for call in local_ecr.calls if call.operation != "GetLifecyclePolicyPreview"
    )
    twice = {repository for (_, repository), count in asked.items() if count > 1}
    assert len(twice) <= REPOSITORIES / 10
    assert "Continuing an earlier attempt" in second.stdout

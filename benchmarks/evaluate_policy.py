"""How long the core takes to say of every image of a repository which rule takes it, or what keeps it.

Run: python benchmarks/evaluate_policy.py [--images 100000] [--rules 50]
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import time
from datetime import UTC, datetime, timedelta

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryImage

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def policy(rules: int) -> LifecyclePolicy:
    """Return a policy with rules of all kinds, each for tags of its own but the last."""
    selections: list[dict[str, object]] = [
        {"tagStatus": "tagged", "tagPatternList": [f"team-{number}-*"]}
        | (
            {"countType": "imageCountMoreThan", "countNumber": 30}
            if number % 2
            else {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 90}
        )
        for number in range(rules - 1)
    ]
    selections.append({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 100})
    return LifecyclePolicy.parse(
        {
            "rules": [
                {"rulePriority": number, "selection": selection, "action": {"type": "expire"}}
                for number, selection in enumerate(selections, 1)
            ]
        }
    )


def images(number: int, teams: int) -> list[RepositoryImage]:
    chance = random.Random(0)
    return [
        RepositoryImage(
            image_digest=f"sha256:{hashlib.sha256(str(serial).encode()).hexdigest()}",
            image_tags=() if serial % 5 == 0 else (f"team-{chance.randrange(teams)}-{serial}", f"build-{serial}"),
            image_pushed_at=NOW - timedelta(minutes=chance.randrange(500_000)),
        )
        for serial in range(number)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rules", type=int, default=50)
    arguments = parser.parse_args()
    evaluated, given = policy(arguments.rules), images(arguments.images, arguments.rules)
    before = time.process_time()
    verdicts = evaluated.evaluate(given, NOW)
    seconds = time.process_time() - before
    taken = sum(verdict.is_taken for verdict in verdicts)
    print(f"{arguments.images:,} images under {arguments.rules} rules: {seconds:.1f} s of CPU, {taken:,} images taken")
    print(f"  peak memory of the process  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()

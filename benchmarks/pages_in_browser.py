"""How long a person waits for the pages: a registry of 5,000 repositories, and a task with 100,000 images.

A real API server with the plugin and a real Chromium. Each time is taken in the browser: from the address being opened
inside Airflow, which is loaded already, to the rows being there, and from a key or a click to the rows that it asks for. The
very first visit of all, for which the API server loads the application, is among the slowest.

Run: python benchmarks/pages_in_browser.py [--repositories 5000] [--images 100000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from image_pages import SEED, write_images
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.preview.result import summary_xcom

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from local_airflow import PASSWORD, USER, LocalAirflow, free_port  # beside this folder

DAG = """
import json
import re
from pathlib import Path
from airflow.sdk import DAG, get_current_context, task

@task
def audit():
    told = json.loads(Path(__file__).with_name("audit.json").read_text())
    get_current_context()["ti"].xcom_push(key="ecr_lifecycle_preview", value=told["marker"])
    return told["audit"]

@task
def preview():
    return json.loads(Path(__file__).with_name("summary.json").read_text())

with DAG("benchmark", schedule=None) as dag:
    audit()
    preview()
"""

REPOSITORY = {"registry_id": "123456789012", "region_name": "eu-west-1"}


def write_audit(folder: Path, repositories: int) -> None:
    from airflow_provider_ecr_preview.core.audit.marker import marker
    from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
    from airflow_provider_ecr_preview.core.audit.summary import Audit
    from airflow_provider_ecr_preview.reports.audit import AuditReports

    outcomes = [
        RepositoryOutcome(
            name, **REPOSITORY, status="previewed", summary=summary_of(name, number, None), preview_calls=2
        )
        for number, name in enumerate(f"team-{number % 90}/service-{number:05}" for number in range(repositories))
    ]
    audit = Audit("benchmark", datetime.now(UTC))
    audit.update(outcomes)
    reports = AuditReports(f"file://{folder}", audit_id="benchmark", audited_at=audit.audited_at)
    value = audit_xcom(audit, table_uris=reports.write_tables(outcomes))
    (folder / "audit.json").write_text(json.dumps({"audit": value, "marker": marker(value)}))


def summary_of(name: str, number: int, images_uri: str | None) -> dict[str, object]:
    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
    from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary

    policy = LifecyclePolicy.parse(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
                    "action": {"type": "expire"},
                }
            ]
        }
    )
    summary = summary_xcom(PreviewSummary(name, *REPOSITORY.values(), policy, datetime.now(UTC)), images_uri=images_uri)
    return {**summary, "expiring_image_count": number, "expiring_bytes_upper_bound": number * 10**7}


def timed(
    rounds: int, prepare: Callable[[], object], act: Callable[[], object], wait: Callable[[], object]
) -> list[float]:
    taken = []
    for _ in range(rounds):
        prepare()
        began = time.perf_counter()
        act()
        wait()
        taken.append(time.perf_counter() - began)
    return taken


def goto(page: Page, path: str) -> None:
    """Open a page inside Airflow as a link of its own does, without a reload."""
    page.evaluate("path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }", path)


def measure(page: Page, run_id: str, rounds: int) -> dict[str, list[float]]:
    rows, count = page.locator(".ecrp tbody tr"), page.locator(".ecrp [role=status]")
    search = page.get_by_role("searchbox")
    tab = f"/dags/benchmark/runs/{run_id.replace('+', '%2B')}/tasks/preview/plugin/ecr-preview"

    def elsewhere() -> None:
        goto(page, "/dags")
        page.locator(".ecrp").wait_for(state="detached")

    def anew() -> None:
        elsewhere()
        goto(page, tab)
        rows.nth(49).wait_for()

    def first_page() -> None:
        search.fill("")
        count.filter(has_text=re.compile("1.50 of")).wait_for()

    found = {
        "the registry is opened": timed(
            rounds, elsewhere, lambda: goto(page, "/plugin/ecr-previews"), rows.nth(49).wait_for
        ),
        "its repositories are searched": timed(
            rounds, first_page, lambda: search.fill("service-00007"), count.filter(has_text="of 1 ").wait_for
        ),
    }
    anew()
    found["the images of a task are opened"] = timed(rounds, elsewhere, lambda: goto(page, tab), rows.nth(49).wait_for)
    found["the next page of images"] = timed(
        rounds,
        anew,
        lambda: page.get_by_role("button", name="Next").click(),
        count.filter(has_text=re.compile("51.100 of")).wait_for,
    )
    found["images are searched"] = timed(
        rounds, anew, lambda: search.fill("build-4242"), count.filter(has_text="of 11 ").wait_for
    )
    return found


def first_visits(page: Page, rounds: int) -> list[float]:
    """Open the registry in new browsers, in which Airflow itself is loaded and nothing else."""
    session, taken = page.context.storage_state(), []
    for _ in range(rounds):
        context = page.context.browser.new_context(base_url=page.url, storage_state=session)
        new = context.new_page()
        new.goto("/dags")
        new.get_by_role("link", name="Dags").first.wait_for()
        new.wait_for_load_state("networkidle")
        wait = new.locator(".ecrp tbody tr").nth(49).wait_for
        taken += timed(1, lambda: None, lambda new=new: goto(new, "/plugin/ecr-previews"), wait)
        context.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=5_000)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    console, port = Console(width=120), free_port()
    airflow = LocalAirflow("api-server", registry=None, preview_seconds=0, port=port, console=console)
    with tempfile.TemporaryDirectory() as name, airflow, airflow.reporting("benchmark-logs"):
        folder = Path(name)
        write_images(f"file://{folder}/images.jsonl.gz", arguments.images)
        write_audit(folder, arguments.repositories)
        summary = summary_of("team/large", arguments.images, f"file://{folder}/images.jsonl.gz")
        (folder / "summary.json").write_text(json.dumps(summary))
        (folder / "benchmark.py").write_text(DAG)
        airflow.processes.environment["AIRFLOW__ECR_PREVIEW__REPORTS_PATH"] = f"file://{folder}"
        airflow.start()
        airflow.processes.run("seed", [sys.executable, "-c", SEED, name])
        output = airflow.processes.log("seed").read_text().splitlines()
        [run_id] = [line.removeprefix("RUN ") for line in output if line.startswith("RUN ")]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(base_url=airflow.url)
            page.goto("/")
            page.fill("input[name=username]", USER)
            page.fill("input[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.get_by_role("link", name="Dags").first.wait_for()
            found = measure(page, run_id, arguments.rounds)
            found["the registry is opened by a browser that has nothing of the pages yet"] = first_visits(
                page, arguments.rounds
            )
            browser.close()
        report(console, found, arguments)


def report(console: Console, found: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    table = Table(
        title=f"{arguments.repositories:,} repositories, {arguments.images:,} images, {arguments.rounds} rounds"
    )
    table.add_column("until the rows are there, when")
    for heading in ("median ms", "slowest ms"):
        table.add_column(heading, justify="right")
    for name, taken in found.items():
        table.add_row(name, f"{statistics.median(taken) * 1000:.0f}", f"{max(taken) * 1000:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()

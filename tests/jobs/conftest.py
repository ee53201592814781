"""All of Airflow with the examples, a local ECR, and a person in front of a browser."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as TooLateError
from rich.console import Console

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.plugins.bundle import BUNDLE
from tests.plugins.browser.conftest import QUIET, chromium
from tests.plugins.browser.looking import WIDE
from tests.support.mailbox import Mailbox, mailbox

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))

from local_airflow import PASSWORD, USER, LocalAirflow, free_port  # noqa: E402  # a program of this checkout

EXAMPLES = sorted(path.stem for path in (ROOT / "example_dags").glob("*.py"))
"""The examples: each file has one DAG of the same name."""

COMPONENTS = ("scheduler", "dag-processor", "triggerer", "api-server")

PATIENCE = {
    # Audits on a schedule would replace the previews of the jobs.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    # The examples do not change while they run.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # On a busy machine Airflow would give up tasks that only wait for a processor.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "3600",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "3600",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
    "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "30",
}

# The scheduler and the DAG processor fork a process for each task and each file, which then need not import all this.
PRELOADED = """
import airflow_provider_ecr_preview.operators.ecr_approval
import airflow_provider_ecr_preview.operators.ecr_audit
import airflow_provider_ecr_preview.operators.ecr_cleanup
import airflow_provider_ecr_preview.operators.ecr_compare
import airflow_provider_ecr_preview.operators.ecr_in_use
import airflow_provider_ecr_preview.operators.ecr_preview
import airflow_provider_ecr_preview.operators.ecr_recommend
import airflow_provider_ecr_preview.operators.ecr_reconcile
import airflow_provider_ecr_preview.operators.ecr_watch
import airflow_provider_ecr_preview.task_groups.lifecycle_audit
__all__ = ()
"""

# Generous: they end a test that hangs, and no test waits for them.
LIMIT_SECONDS = 1800
LIMIT_MILLISECONDS = 600_000

CLICK_MILLISECONDS = 20_000
"""After this it is looked whether a click on the form was lost, as it is when Airflow draws the form anew under it."""

ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
ASKED = ("awaiting_input", "deferred")
"""The state of a task that waits for a person, in Airflow 3.3 and before."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("jobs"))
            # Of the processes that Python ends when the tests end.
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


class Airflow:
    """The Airflow of all tests here.

    :param local: its processes.
    :param ecr: the registry.
    """

    def __init__(self, local: LocalAirflow, ecr: LocalEcr) -> None:
        self.local = local
        self.ecr = ecr

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the states of the tasks of a run; those of mapped tasks have their index in brackets."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances?limit=200"
        return {
            task["task_id"] + (f"[{task['map_index']}]" if task["map_index"] >= 0 else ""): task["state"]
            for task in self.local.get(path)["task_instances"]
        }

    def run_count(self, dag_id: str) -> int:
        """Return how many runs a DAG has."""
        count: int = self.local.get(f"dags/{dag_id}/dagRuns?limit=1")["total_entries"]
        return count

    def state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        state: str = self.local.get(f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")["state"]
        return state

    def wait_for_end(self, dag_id: str, run_id: str, state: str = "success") -> dict[str, str]:
        """Wait until a run ends, and return the states of its tasks."""
        self.wait_until(lambda: self.state(dag_id, run_id) in ENDED, f"the end of {dag_id}")
        tasks = self.tasks(dag_id, run_id)
        assert self.state(dag_id, run_id) == state, f"{dag_id}: {tasks}\n{self.errors(dag_id)}"
        return tasks

    def wait_for_question(self, dag_id: str, run_id: str, task_id: str = "approve") -> None:
        """Wait until a task waits for a person, and its answer would count."""
        self.wait_for_task(dag_id, run_id, task_id, ASKED)
        self.wait_until(lambda: self.local.may_be_answered(dag_id, run_id, task_id), f"{dag_id} to let go of {task_id}")

    def wait_for_task(self, dag_id: str, run_id: str, task_id: str, states: Collection[str]) -> None:
        """Wait until a task has one of these states."""

        def is_there() -> bool:
            assert self.state(dag_id, run_id) not in ENDED, f"{self.tasks(dag_id, run_id)}\n{self.errors(dag_id)}"
            return self.tasks(dag_id, run_id).get(task_id) in states

        self.wait_until(is_there, f"{dag_id}.{task_id}")

    def wait_until(self, is_there: Callable[[], bool], what: str) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not is_there():
            assert time.monotonic() < deadline, f"Waited {LIMIT_SECONDS} s for {what}."
            self.local.pause()

    def result(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return what a task has pushed."""
        path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.local.get(path)["value"]

    def errors(self, dag_id: str) -> str:
        """Return the errors in the logs of the tasks of a DAG."""
        lines = []
        for log in sorted(self.home.glob(f"logs/dag_id={dag_id}/**/*.log*")):
            for line in log.read_text(errors="replace").splitlines():
                if '"level":"error"' in line:
                    entry = json.loads(line)
                    details = [detail["exc_value"] for detail in entry.get("error_detail") or []]
                    lines.append(f"{log.parent.name}: {entry['event']} {details}")
        # A task whose process was lost has no log of its own.
        scheduler = self.local.processes.log("scheduler").read_text(errors="replace")
        lines += [line for line in scheduler.splitlines() if dag_id in line and "error" in line.lower()]
        return "\n".join(lines)

    @property
    def home(self) -> Path:
        """The home of this Airflow."""
        return Path(self.local.processes.environment["AIRFLOW_HOME"])

    def file(self, uri: str) -> str:
        """Return the text of a file that a task has written."""
        return Path(uri.removeprefix("file://")).read_text()

    def images(self, *repository_names: str) -> dict[str, set[str]]:
        """Return the digests of the images of repositories."""
        client = self.ecr.client()
        pages = client.get_paginator("list_images")
        return {
            name: {image["imageDigest"] for page in pages.paginate(repositoryName=name) for image in page["imageIds"]}
            for name in repository_names
        }

    def policies(self, *repository_names: str) -> dict[str, Any]:
        """Return the applied policies of repositories."""
        client = self.ecr.client()
        texts = {name: client.get_lifecycle_policy(repositoryName=name) for name in repository_names}
        return {name: json.loads(answer["lifecyclePolicyText"]) for name, answer in texts.items()}


@pytest.fixture(scope="session")
def mail() -> Iterator[Mailbox]:
    """Return the mail that Airflow sends."""
    with mailbox() as server:
        yield server


@pytest.fixture(scope="session")
def airflow(mail: Mailbox) -> Iterator[Airflow]:
    """Start all of Airflow, once for all tests."""
    chromium()
    if not BUNDLE.is_file():
        pytest.skip("The pages are not built: make frontend")
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    local = LocalAirflow(
        *COMPONENTS, registry="team", preview_seconds=0.2, port=free_port(), console=Console(quiet=True)
    )
    try:
        with local:
            # The one of this Python, with this checkout first.
            local.processes.environment["PYTHONPATH"] = str(ROOT)
            local.processes.environment.update(PATIENCE)
            local.processes.environment["AIRFLOW_CONN_SMTP_DEFAULT"] = mail.connection
            settings = Path(local.processes.environment["AIRFLOW_HOME"], "config", "airflow_local_settings.py")
            settings.parent.mkdir()
            settings.write_text(PRELOADED)
            ecr = local.start()
            for dag_id in EXAMPLES:
                local.wait_for_dag(dag_id)
            yield Airflow(local, ecr)
    finally:
        for number, handler in signals.items():
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def session(airflow: Airflow) -> Iterator[BrowserContext]:
    """Log in as a person does."""
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        context = browser.new_context(base_url=airflow.local.url, viewport=WIDE, reduced_motion="reduce")
        context.set_default_timeout(LIMIT_MILLISECONDS)
        expect.set_options(timeout=LIMIT_MILLISECONDS)
        page = context.new_page()
        page.goto("/")
        page.locator("input[name=username]").fill(USER)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        expect(page.get_by_role("button", name="Browse")).to_be_visible()
        page.close()
        yield context
        browser.close()


@pytest.fixture
def page(session: BrowserContext) -> Iterator[Page]:
    """Return a page on which no script fails."""
    errors: list[str] = []
    page = session.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def trigger(airflow: Airflow, page: Page) -> Callable[..., str]:
    """Return a function that triggers a DAG by its form, and returns the id of the run."""

    def send(dag_id: str, **fields: Any) -> str:
        page.goto(f"/dags/{dag_id}")
        page.get_by_role("button", name="Trigger Dag").click()
        form = page.get_by_role("dialog")
        for name, value in fields.items():
            fill(form, name, value)
        click_trigger(airflow, page, dag_id)
        return run_id_of(page)

    return send


def click_trigger(airflow: Airflow, page: Page, dag_id: str) -> None:
    """Click on "Trigger" until there is a run, as a person does, and never for a second one."""
    button = page.get_by_role("dialog").get_by_role("button", name="Trigger", exact=True)
    before = airflow.run_count(dag_id)
    button.click()
    while airflow.run_count(dag_id) == before:
        try:
            page.wait_for_url("**/runs/**", timeout=CLICK_MILLISECONDS)
        except TooLateError:
            if airflow.run_count(dag_id) == before and button.is_visible() and button.is_enabled():
                button.click()


def fill(form: Locator, name: str, value: Any) -> None:
    """Change a field of the trigger form, as a person does."""
    field = form.locator(f"[name=element_{name}]").first
    if isinstance(value, bool):
        if field.is_checked() != value:
            form.locator(f"[id='switch:element_{name}']").click()
        expect(field).to_be_checked(checked=value)
    elif isinstance(value, list):
        form.locator(f"#element_{name}").fill("\n".join(value))
    elif isinstance(value, dict):
        editor = form.locator(f"#element_{name}").get_by_role("textbox")
        editor.focus()
        editor.press("Control+a")
        editor.page.keyboard.insert_text(json.dumps(value))
        # The editor has closed brackets and quotation marks by itself.
        editor.press("Control+Shift+End")
        editor.press("Delete")
    else:
        field.fill(str(value))


def run_path(dag_id: str, run_id: str, *more: str) -> str:
    """Return the address of a run, or of a page below it."""
    return "/".join(["/dags", dag_id, "runs", quote(run_id, safe=""), *more])


def run_id_of(page: Page) -> str:
    """Return the id of the run to which the browser is led when a DAG was triggered, and leave its page.

    Airflow draws that page anew all the time, which takes the processor that the run needs.
    """
    page.wait_for_url("**/runs/**")
    run_id = unquote(page.url.split("/runs/")[1].split("/")[0].split("?")[0])
    page.goto("about:blank")
    return run_id

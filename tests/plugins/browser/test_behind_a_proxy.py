"""The API server as many run it: below a path, in several processes, and as a program of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from airflow import __version__ as airflow_version
from playwright.sync_api import Browser, Page, expect

from airflow_provider_ecr_preview.plugins.bundle import BUNDLE
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.core.audit.test_summary import audited
from tests.plugins.audits import push_audit
from tests.plugins.browser.conftest import LIMIT_MILLISECONDS
from tests.plugins.browser.looking import WIDE, tab_path
from tests.plugins.conftest import Server
from tests.plugins.previews import images

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def url(server: Server, folder: Path) -> Iterator[str]:
    """Return the address of Airflow, with the path that it is below."""
    if not BUNDLE.is_file():
        pytest.skip("The pages are not built: make frontend")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/airflow"
    environment = {
        **os.environ,
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "2",
        "AIRFLOW__ECR_PREVIEW__REPORTS_PATH": f"file://{folder}",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "airflow", "api-server"]
    with (folder / "log").open("wb") as log:
        program = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_healthy(url):
            assert program.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
            time.sleep(0.2)
        assert len(psutil.Process(program.pid).children(recursive=True)) >= 2
        yield url
    finally:
        os.killpg(program.pid, signal.SIGTERM)
        try:
            program.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait(300)


def is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/monitor/health", trust_env=False, timeout=START_SECONDS).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def page(browser: Browser, server: Server, url: str, folder: Path) -> Iterator[Page]:
    uri = f"file://{folder}/list.jsonl.gz"
    with image_list(uri) as written:
        for image in images(250):
            written.write(image)
    server.forget_markers()
    push_audit(server, folder, [audited("team/largest", expiring=9, images_uri=uri), audited("team/other")])
    context = browser.new_context(base_url=url, viewport=WIDE)
    token = server.headers("alice")["Authorization"].removeprefix("Bearer ")
    context.set_default_timeout(LIMIT_MILLISECONDS)
    context.add_cookies([{"name": "_token", "value": token, "url": url}])
    yield context.new_page()
    context.close()


def test_the_pages_lead_to_each_other_and_to_the_images(page: Page, server: Server, url: str) -> None:
    page.goto(f"{url}/plugin/ecr-previews")
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    page.get_by_role("link", name="the task").click()
    expect(page).to_have_url(re.compile(re.escape(f"{url}/dags/payments/runs/")))
    page.locator("td").get_by_role("button", name="team/largest").click()
    expect(page.get_by_text(re.compile("1.50 of 250 images"))).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text(re.compile("51.100 of 250 images"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 251


def test_every_process_answers_and_refuses_alike(page: Page, server: Server, url: str) -> None:
    path = f"{url}{server.path()}?repository_name=team/largest"
    for user, status in [("alice", 200), ("bob", 403), (None, 401)] * 8:
        # On a connection of its own each, which the processes take in turns.
        headers = server.headers(user) if user else {}
        answer = httpx.get(path, headers=headers, trust_env=False, timeout=START_SECONDS)
        assert answer.status_code == status, answer.text
        assert status != 200 or answer.json()["total"] == 250


def test_the_tab_of_a_task_is_where_its_link_leads(page: Page, server: Server, url: str) -> None:
    page.goto(url + tab_path(server))
    expect(page.get_by_role("heading", name="Audit of")).to_be_visible()
    # From Airflow 3.4 on, the tab is on tasks of our operators, which this one is not; its page is there all the same.
    if tuple(map(int, airflow_version.split(".")[:2])) < (3, 4):
        expect(page.get_by_role("link", name="ECR preview")).to_be_visible()

"""A real browser, logged in to the API server as a user meets it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from airflow_provider_ecr_preview.plugins.bundle import BUNDLE
from tests.plugins.browser.looking import WIDE
from tests.plugins.conftest import Server

# Other tests may have the processor at the same time.
LIMIT_MILLISECONDS = 180_000

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            # One browser and one server for each module, and the modules side by side.
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
            # Of the interpreter's own making when a thread with a server in it ends.
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            # Airflow's own, where it answers its own pages.
            item.add_marker(pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:The `name` is not the first:DeprecationWarning"))


def chromium() -> str:
    """Return the browser; CI says that it is there."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and "CI_HAS_BROWSER" not in os.environ:
        pytest.skip("There is no Chromium here. Install it, or name it: CHROMIUM=/path/to/chromium")
    assert found is not None, "CI has to install Chromium."
    return found


# Of one module: as long as Playwright runs, no other test could have an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        expect.set_options(timeout=LIMIT_MILLISECONDS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(server: Server) -> Iterator[str]:
    """Serve the application over HTTP."""
    if not BUNDLE.is_file():
        pytest.skip("The pages are not built: make frontend")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        application = uvicorn.Server(uvicorn.Config(server.client.app, lifespan="off", ws="none", log_level="error"))
        thread = threading.Thread(target=application.run, kwargs={"sockets": [listening]})
        thread.start()
        while not application.started:
            assert thread.is_alive(), "The server did not start; its log says why."
            time.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        application.should_exit = True
        thread.join(300)


@pytest.fixture(scope="module")
def sessions(browser: Browser, address: str, server: Server) -> Iterator[Callable[[str], BrowserContext]]:
    """Return the session of a user, which keeps what the browser has loaded of Airflow."""
    opened: dict[str, BrowserContext] = {}

    def session(user: str) -> BrowserContext:
        if user not in opened:
            opened[user] = browser.new_context(base_url=address, viewport=WIDE)
            token = server.headers(user)["Authorization"].removeprefix("Bearer ")
            opened[user].add_cookies([{"name": "_token", "value": token, "url": address}])
        return opened[user]

    yield session
    for context in opened.values():
        context.close()


@pytest.fixture
def page_of(sessions: Callable[[str], BrowserContext], server: Server) -> Iterator[Callable[[str], Page]]:
    """Return a page of a user, on which no script fails and nothing that others wrote is run."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_page(user: str) -> Page:
        page = sessions(user).new_page()
        page.set_default_timeout(LIMIT_MILLISECONDS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
        pages.append(page)
        return page

    server.forget_markers()
    yield open_page
    for page in pages:
        page.close()
    assert errors == []


@pytest.fixture
def page(page_of: Callable[[str], Page]) -> Page:
    """Return a page of a user who may read ``payments``."""
    return page_of("alice")

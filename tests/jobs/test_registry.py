"""An image is found over the registry, and what one sees is shared by its address."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.jobs.conftest import Airflow, run_path

AUDIT, MERGE = "ecr_audit_registry", "lifecycle_audit.merge"


def test_an_image_is_found_by_its_tag_over_the_registry_and_what_is_found_is_shared(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    name = "data/etl-worker"
    images = airflow.ecr.client().list_images(repositoryName=name, filter={"tagStatus": "TAGGED"})["imageIds"]
    image = next(image for image in images if image["imageTag"].startswith("main-"))
    run_id = trigger(AUDIT, include="data/*", reports_path=f"file://{airflow.home}/tmp/found")
    airflow.wait_for_end(AUDIT, run_id)
    page.goto(run_path(AUDIT, run_id, "tasks", MERGE, "plugin", "ecr-preview"))
    page.get_by_role("link", name="On a page of its own").click()
    page.get_by_label("Search all repositories for an image, by tag or digest").fill(image["imageTag"])
    found = page.get_by_role("region", name="Found images").locator("tbody tr")
    expect(found).to_have_count(1)
    expect(found).to_contain_text(name)
    expect(found).to_contain_text(image["imageTag"])

    # Somebody else opens the copied address.
    expect(page).to_have_url(re.compile(re.escape(image["imageTag"])))
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("region", name="Found images").locator("tbody tr")).to_have_count(1)
    expect(other.get_by_text(image["imageTag"]).first).to_be_visible()
    other.close()

    # From the image to its repository, searched for the same image, and back.
    found.get_by_role("button", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.go_back()
    expect(found).to_have_count(1)

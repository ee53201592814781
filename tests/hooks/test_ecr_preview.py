from __future__ import annotations

import json
import pickle
import threading
import traceback
from collections.abc import Callable
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import (
    AccessDenied,
    ConnectionReset,
    LostReply,
    PreviewExpires,
    PreviewFails,
    PreviewReplaced,
    TruncatedBody,
    server_error,
    throttled,
    wrong_status,
    wrong_summary,
)
from tests.support.policies import keep

REPOSITORY = "payments/api"


@pytest.fixture
def hook() -> EcrLifecyclePolicyPreviewHook:
    return EcrLifecyclePolicyPreviewHook(throttle_timeout=0.5)


@pytest.fixture
def repository(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push_many(REPOSITORY, 250)
    return local_ecr


@pytest.fixture
def previewed(repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> LocalEcr:
    hook.start_preview(REPOSITORY, keep(10))
    repository.calls.clear()
    return repository


class TestStart:
    def test_a_policy_may_be_a_dict_or_its_json_text(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        of_dict = hook.start_preview(REPOSITORY, keep(10))
        of_text = hook.start_preview(REPOSITORY, json.dumps(keep(10), indent=4))
        assert of_dict.policy.fingerprint == of_text.policy.fingerprint

    def test_without_a_policy_the_applied_one_is_previewed(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.put_policy(REPOSITORY, keep(7))
        assert hook.start_preview(REPOSITORY).policy.rules[0].count_number == 7

    def test_a_preview_of_the_same_policy_in_progress_is_taken_as_started(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 30
        first = hook.start_preview(REPOSITORY, keep(10))
        second = hook.start_preview(REPOSITORY, keep(10), timeout=0)
        assert second.policy.fingerprint == first.policy.fingerprint

    def test_the_applied_policy_in_progress_is_recognised_without_its_text(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 30
        repository.put_policy(REPOSITORY, keep(7))
        hook.start_preview(REPOSITORY)
        assert hook.start_preview(REPOSITORY, timeout=0).status == "IN_PROGRESS"

    def test_a_preview_of_another_policy_is_waited_for_and_then_replaced(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 0.4
        hook.start_preview(REPOSITORY, keep(10))
        replaced = hook.start_preview(REPOSITORY, keep(20), timeout=600, poll_interval=0.1)
        assert replaced.policy.rules[0].count_number == 20

    def test_a_preview_of_another_policy_that_goes_on_is_an_error_after_the_timeout(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 30
        hook.start_preview(REPOSITORY, keep(10))
        with pytest.raises(exceptions.PreviewInProgressError, match="another policy"):
            hook.start_preview(REPOSITORY, keep(20), timeout=0.2, poll_interval=0.1)

    def test_a_start_whose_reply_is_lost_is_ours_all_the_same(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 30
        with repository.inject(LostReply(), operation="StartLifecyclePolicyPreview"):
            started = hook.start_preview(REPOSITORY, keep(10), timeout=0)
        assert started.policy.rules[0].count_number == 10


class TestBadInputStartsNothing:
    @pytest.mark.parametrize(
        "name",
        ["", "a", "Payments/API", "payments//api", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:latest", "x" * 257],
    )
    def test_an_invalid_repository_name(
        self, local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, name: str
    ) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match="not a repository name"):
            hook.start_preview(name, keep(1))
        assert len(local_ecr.calls) == 0

    def test_an_invalid_registry_id(self, local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match="12 digits"):
            hook.start_preview(REPOSITORY, keep(1), registry_id="my-registry")
        assert len(local_ecr.calls) == 0

    def test_a_policy_that_ecr_would_refuse(self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        policy = keep(0)
        policy["rules"][0]["selection"] |= {"tagPrefixList": ["a"], "tagPatternList": ["a*"], "countUnit": "days"}
        with pytest.raises(exceptions.InvalidLifecyclePolicyError) as raised:
            hook.start_preview(REPOSITORY, policy)
        assert {finding.code for finding in raised.value.findings} == {
            "count_number_invalid",
            "count_unit_forbidden",
            "tag_list_forbidden",
            "tag_lists_both",
        }
        assert repository.calls.count("StartLifecyclePolicyPreview") == 0

    def test_a_page_size_with_image_ids(self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        image_ids = [{"imageDigest": f"sha256:{number:064x}"} for number in range(101)]
        with pytest.raises(exceptions.InvalidRequestError, match="image_ids excludes page_size"):
            list(hook.paginate_preview(REPOSITORY, image_ids=image_ids, page_size=50))
        assert len(previewed.calls) == 0

    @pytest.mark.parametrize(
        ("argument", "value"),
        [("page_size", 0), ("page_size", 101), ("max_items", 0), ("tag_status", "tagged")],
    )
    def test_a_page_argument_out_of_range(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, argument: str, value: object
    ) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match=argument):
            list(hook.paginate_preview(REPOSITORY, **{argument: value}))
        assert len(previewed.calls) == 0

    def test_an_unknown_repository_is_named_with_its_region(
        self, local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        with pytest.raises(exceptions.RepositoryNotFoundError, match=r"no-such/repository \(us-east-1\)"):
            hook.start_preview("no-such/repository", keep(1))

    def test_without_an_applied_policy_the_error_says_to_pass_one(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        with pytest.raises(exceptions.LifecyclePolicyNotFoundError, match="Pass lifecycle_policy_text"):
            hook.start_preview(REPOSITORY)

    def test_a_denied_iam_action_is_named(self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        repository.deny("ecr:StartLifecyclePolicyPreview")
        with pytest.raises(exceptions.AccessDeniedError, match="ecr:StartLifecyclePolicyPreview"):
            hook.start_preview(REPOSITORY, keep(1))

    @pytest.mark.parametrize("answers", [False, True], ids=["nobody-there", "not-ecr"])
    def test_a_wrong_endpoint_is_named(
        self, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch, *, answers: bool
    ) -> None:
        with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
            endpoint = f"http://127.0.0.1:{server.server_port}" if answers else "http://127.0.0.1:9"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            connection = json.loads(local_ecr.connection)
            connection["extra"]["endpoint_url"] = endpoint
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
            hook = EcrLifecyclePolicyPreviewHook(config={"retries": {"total_max_attempts": 1}})
            with pytest.raises(exceptions.EcrUnreachableError, match=endpoint):
                hook.start_preview(REPOSITORY, keep(1))
            server.shutdown()

    @pytest.mark.parametrize("answers", ["nobody", "another service", "no URL"])
    def test_a_password_in_the_endpoint_is_hidden_from_errors_their_causes_and_logs(
        self, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch, answers: str
    ) -> None:
        with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
            host = {"nobody": "127.0.0.1:9", "another service": f"127.0.0.1:{server.server_port}", "no URL": "a b"}[
                answers
            ]
            threading.Thread(target=server.serve_forever, daemon=True).start()
            connection = json.loads(local_ecr.connection)
            connection["extra"]["endpoint_url"] = f"http://user:hunter2@{host}"
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
            hidden: list[str] = []
            monkeypatch.setattr("airflow_provider_ecr_preview.aws.endpoints.mask_secret", hidden.append)
            hook = EcrLifecyclePolicyPreviewHook(config={"retries": {"total_max_attempts": 1}})
            with pytest.raises(exceptions.RepositoryError) as raised:
                hook.start_preview(REPOSITORY, keep(1))
            server.shutdown()
        shown = "".join(traceback.format_exception(raised.value)) + raised.value.message
        assert "hunter2" not in shown
        assert "user:***@" in shown
        assert answers == "no URL" or "hunter2" in hidden

    def test_without_a_region_the_error_says_to_set_region_name(
        self, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = json.loads(local_ecr.connection)
        del connection["extra"]["region_name"]
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
        with pytest.raises(exceptions.InvalidRequestError, match="Set region_name"):
            EcrLifecyclePolicyPreviewHook().start_preview(REPOSITORY, keep(1))


class TestWait:
    def test_it_ends_when_the_preview_is_complete(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 0.3
        hook.start_preview(REPOSITORY, keep(10))
        preview = hook.wait_for_preview(REPOSITORY, poll_interval=0.1)
        assert (preview.status, preview.expiring_image_total_count) == ("COMPLETE", 240)

    def test_its_time_is_bounded(self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        repository.preview_seconds = 30
        hook.start_preview(REPOSITORY, keep(10))
        with pytest.raises(exceptions.PreviewTimeoutError, match="longer timeout"):
            hook.wait_for_preview(REPOSITORY, timeout=0.2, poll_interval=0.1)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [(PreviewFails(), exceptions.PreviewFailedError), (PreviewExpires(), exceptions.PreviewExpiredError)],
    )
    def test_failed_and_expired_are_errors_not_states_to_wait_through(
        self,
        repository: LocalEcr,
        hook: EcrLifecyclePolicyPreviewHook,
        fault: Any,
        error: type[exceptions.RepositoryError],
    ) -> None:
        repository.inject(fault)
        hook.start_preview(REPOSITORY, keep(10))
        with pytest.raises(error):
            hook.wait_for_preview(REPOSITORY)

    def test_a_preview_that_was_never_started_is_an_error(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        with pytest.raises(exceptions.PreviewNotFoundError, match="Start one first"):
            hook.wait_for_preview(REPOSITORY)

    def test_a_preview_of_another_policy_is_an_error(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        with pytest.raises(exceptions.PreviewReplacedError, match="something else started one"):
            hook.wait_for_preview(REPOSITORY, policy_fingerprint="0" * 64)


class TestPages:
    def test_all_pages_are_read_in_as_few_calls_as_ecr_allows(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        assert [len(page.images) for page in hook.paginate_preview(REPOSITORY)] == [100, 100, 40]
        assert previewed.calls.count() == 3

    def test_a_page_is_read_only_when_it_is_needed(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        next(hook.paginate_preview(REPOSITORY))
        assert previewed.calls.count() == 1

    def test_page_size_max_items_and_starting_token_together_read_every_image_once(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        digests: list[str] = []
        token = None
        while True:
            pages = list(hook.paginate_preview(REPOSITORY, max_items=70, page_size=30, starting_token=token))
            digests += [image.image_digest for page in pages for image in page.images]
            token = pages[-1].next_token
            if token is None:
                break
        assert len(digests) == len(set(digests)) == 240

    def test_max_items_at_the_end_of_a_page_leaves_a_token(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        pages = list(hook.paginate_preview(REPOSITORY, max_items=200))
        assert [page.next_token is None for page in pages] == [True, False]

    def test_more_than_100_image_ids_are_sent_in_batches(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        affected = [image.image_digest for image in hook.iter_preview_images(REPOSITORY)]
        previewed.calls.clear()
        image_ids = [{"imageDigest": digest} for digest in affected[:150]]
        images = list(hook.iter_preview_images(REPOSITORY, image_ids=image_ids))
        assert {image.image_digest for image in images} == set(affected[:150])
        assert previewed.calls.count() == 2

    def test_a_filter_by_tag_status_reaches_ecr(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.push(REPOSITORY, pushed_days_ago=500)
        hook.start_preview(REPOSITORY, keep(10))
        untagged = list(hook.iter_preview_images(REPOSITORY, tag_status="UNTAGGED"))
        assert [image.image_tags for image in untagged] == [()]

    def test_another_registry_is_called_by_its_id(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        with pytest.raises(exceptions.RepositoryNotFoundError, match="210987654321"):
            list(hook.paginate_preview(REPOSITORY, registry_id="210987654321"))

    def test_the_responses_are_those_of_a_plain_client_with_times_in_utc(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        def ask(client: Any) -> dict[str, Any]:
            response = client.get_lifecycle_policy_preview(repositoryName=REPOSITORY, maxResults=5)
            del response["ResponseMetadata"], response["nextToken"]
            return response

        ours, plain = ask(hook.conn), ask(previewed.client())
        assert ours == plain
        assert all(result["imagePushedAt"].tzinfo is UTC for result in ours["previewResults"])

    def test_a_preview_in_progress_cannot_be_read(
        self, repository: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        repository.preview_seconds = 30
        hook.start_preview(REPOSITORY, keep(10))
        with pytest.raises(exceptions.PreviewInProgressError, match="cannot be read yet"):
            list(hook.paginate_preview(REPOSITORY))


class TestPagesThatAreNotOnePreview:
    """The pages are read only up to the fault; nothing is summarised."""

    @pytest.mark.parametrize(
        "arguments",
        [{}, {"page_size": 30}, {"max_items": 150}, {"tag_status": "TAGGED"}],
        ids=["whole", "page_size", "max_items", "tag_status"],
    )
    def test_a_preview_of_another_policy_between_two_pages(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, arguments: dict[str, Any]
    ) -> None:
        previewed.inject(PreviewReplaced(keep(50), tokens_survive=True))
        with pytest.raises(exceptions.PreviewReplacedError):
            hook.summarize_preview(REPOSITORY, **arguments)

    def test_a_token_that_the_replacement_invalidated(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        previewed.inject(PreviewReplaced(keep(50)))
        with pytest.raises(exceptions.PreviewTokenExpiredError, match="from its first page"):
            hook.summarize_preview(REPOSITORY)

    def test_a_replacement_that_is_still_running(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        previewed.inject(PreviewReplaced(keep(10), seconds=30, tokens_survive=True))
        with pytest.raises(exceptions.PreviewInProgressError):
            hook.summarize_preview(REPOSITORY)

    def test_a_token_that_expired_while_pages_were_consumed(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        previewed.token_life_seconds = 0
        with pytest.raises(exceptions.PreviewTokenExpiredError):
            hook.summarize_preview(REPOSITORY)

    @pytest.mark.parametrize("by", [-1, 1])
    def test_totals_that_the_pages_do_not_add_up_to(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, by: int
    ) -> None:
        previewed.inject(wrong_summary(by), calls=None)
        with pytest.raises(exceptions.PreviewInconsistentError, match=r"[Rr]ead it again"):
            hook.summarize_preview(REPOSITORY)

    def test_totals_that_differ_between_pages(self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        previewed.inject(wrong_summary(), skip=1)
        with pytest.raises(exceptions.PreviewInconsistentError, match="different totals"):
            hook.summarize_preview(REPOSITORY)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            ("IN_PROGRESS", exceptions.PreviewInProgressError),
            ("EXPIRED", exceptions.PreviewExpiredError),
            ("FAILED", exceptions.PreviewFailedError),
        ],
    )
    def test_a_later_page_that_is_not_complete(
        self,
        previewed: LocalEcr,
        hook: EcrLifecyclePolicyPreviewHook,
        status: str,
        error: type[exceptions.RepositoryError],
    ) -> None:
        previewed.inject(wrong_status(status), skip=2)
        with pytest.raises(error):
            hook.summarize_preview(REPOSITORY)


class TestFaultsOnTheWay:
    @pytest.mark.parametrize(
        "fault",
        [
            throttled("ThrottlingException"),
            throttled("ThrottleException"),
            throttled("TooManyRequestsException", 429),
            throttled("SomethingNew", 429),
            server_error(),
            ConnectionReset(),
            TruncatedBody(),
        ],
        ids=["ThrottlingException", "ThrottleException", "429", "429-unknown-code", "500", "reset", "truncated"],
    )
    def test_a_passing_fault_costs_another_call_and_no_image(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, fault: Any
    ) -> None:
        hook.throttle_timeout = 30
        previewed.inject(fault, operation="GetLifecyclePolicyPreview", skip=1)
        assert hook.summarize_preview(REPOSITORY).expiring_image_count == 240
        assert previewed.calls.count() == 4

    @pytest.mark.parametrize("code", ["ThrottlingException", "ThrottleException", "TooManyRequestsException"])
    def test_throttling_without_end_is_an_error_after_a_bounded_time(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook, code: str
    ) -> None:
        hook = EcrLifecyclePolicyPreviewHook(throttle_timeout=0.3, config={"retries": {"total_max_attempts": 1}})
        previewed.inject(throttled(code), calls=None)
        with pytest.raises(exceptions.ThrottledError, match="throttle_timeout"):
            hook.summarize_preview(REPOSITORY)

    def test_answers_that_are_always_cut_off_are_an_error_not_an_empty_preview(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        previewed.inject(TruncatedBody(), operation="GetLifecyclePolicyPreview", calls=None)
        with pytest.raises(exceptions.EcrUnreachableError, match="cut off"):
            hook.summarize_preview(REPOSITORY)

    def test_a_denied_action_is_named_where_it_is_read(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        previewed.inject(AccessDenied(), operation="GetLifecyclePolicyPreview", calls=None)
        with pytest.raises(exceptions.AccessDeniedError, match="ecr:GetLifecyclePolicyPreview"):
            hook.summarize_preview(REPOSITORY)


class TestSummary:
    def test_it_holds_no_more_than_a_page_of_images(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        summary = hook.summarize_preview(REPOSITORY)
        assert (summary.expiring_image_count, len(summary.sample)) == (240, 10)

    def test_sizes_and_pulls_come_from_the_inventory(
        self, local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        local_ecr.create_repository(REPOSITORY)
        for days in range(5):
            local_ecr.push(
                REPOSITORY, tags=[f"v{days}"], pushed_days_ago=days, size=100 + days, last_pull_days_ago=days
            )
        hook.start_preview(REPOSITORY, keep(3))
        inventory = RepositoryInventory()
        inventory.update(hook.iter_repository_images(REPOSITORY))
        seen: list[int | None] = []
        summary = hook.summarize_preview(
            REPOSITORY, inventory=inventory, on_image=lambda image: seen.append(image.image_size_in_bytes)
        )
        assert summary.expiring_bytes_upper_bound == 103 + 104
        assert sorted(size or 0 for size in seen) == [103, 104]

    def test_archived_images_are_in_the_inventory(
        self, local_ecr: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        local_ecr.create_repository(REPOSITORY)
        local_ecr.push(REPOSITORY, tags=["old"], pushed_days_ago=300, archived_days_ago=200)
        assert [image.storage_class for image in hook.iter_repository_images(REPOSITORY)] == ["ARCHIVE"]

    def test_no_image_id_is_an_error_not_an_empty_summary(
        self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook
    ) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match="image_ids is empty"):
            hook.summarize_preview(REPOSITORY, image_ids=[])


class TestClient:
    def test_retries_do_not_depend_on_the_release_of_the_sdk(self, local_ecr: LocalEcr) -> None:
        assert EcrLifecyclePolicyPreviewHook().conn.meta.config.retries["mode"] == "standard"

    def test_retries_of_the_user_win(self, local_ecr: LocalEcr) -> None:
        hook = EcrLifecyclePolicyPreviewHook(config={"retries": {"mode": "adaptive", "total_max_attempts": 2}})
        assert hook.conn.meta.config.retries == {"mode": "adaptive", "total_max_attempts": 2}

    def test_one_client_serves_many_threads(self, previewed: LocalEcr, hook: EcrLifecyclePolicyPreviewHook) -> None:
        _ = hook.conn
        counts: list[int] = []
        threads = [
            threading.Thread(target=lambda: counts.append(hook.summarize_preview(REPOSITORY).image_count))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
        assert counts == [240] * 8


@pytest.mark.parametrize("copy", [lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_crosses_a_process_boundary_whole(
    local_ecr: LocalEcr,
    hook: EcrLifecyclePolicyPreviewHook,
    copy: Callable[[exceptions.RepositoryError], exceptions.RepositoryError],
) -> None:
    with pytest.raises(exceptions.RepositoryNotFoundError) as raised:
        hook.start_preview("no-such/repository", keep(1))
    again = copy(raised.value)
    assert (type(again), str(again), again.region_name) == (type(raised.value), str(raised.value), "us-east-1")

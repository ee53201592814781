"""What the rendered fields of an Airflow's tasks name, without an Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse
from airflow_provider_ecr_preview.sources.airflow import OPERATORS, rendered_images
from airflow_provider_ecr_preview.sources.airflow_api import AirflowApi, sign_in
from airflow_provider_ecr_preview.sources.found import FoundReference, UnknownImage
from airflow_provider_ecr_preview.sources.reading import SourceLabel, read_source
from tests.support.builders import NOW

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
CUT = "Truncated. You can change this behaviour in [core]max_templated_field_length. 'apiVersion"


def instance(fields: Mapping[str, Any], run: int = 1, state: str = "success", **more: Any) -> dict[str, Any]:
    its = {"dag_id": "weekly", "task_id": "train", "dag_run_id": f"run-{run}", "map_index": -1, "state": state}
    return {**its, "rendered_fields": dict(fields), **more}


class Api:
    """The task instances of one operator; what only a look at one of them shows is in ``alone``."""

    def __init__(self, operator: str, *instances: dict[str, Any], alone: Mapping[str, Any] | None = None) -> None:
        self.operator = operator
        self.instances = instances
        self.alone = alone or {}
        self.asked: list[str] = []

    def task_instances(self, operator: str, _: Any) -> Iterator[dict[str, Any]]:
        yield from self.instances if operator == self.operator else ()

    def task_instance(self, of: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(of["dag_run_id"])
        return {**of, "rendered_fields": self.alone.get(of["dag_run_id"], {})}


def read(api: Any, definitions: Mapping[str, Any] | None = None, ignored: list[str] | None = None) -> ImagesInUse:
    in_use = ImagesInUse(NOW)
    read_source(in_use, SourceLabel("airflow"), lambda: rendered_images(api, definitions or {}), ignored or [])
    return in_use


def named(in_use: ImagesInUse) -> set[str]:
    return {f"{image['repository_name']}:{image['image_tag']}" for image in in_use.images()}


CONTAINERS = {"spec": {"containers": [{"image": f"{HOST}/a:v1"}], "initContainers": [{"image": f"{HOST}/b:v1"}]}}


@pytest.mark.parametrize(
    ("operator", "fields", "images"),
    [
        ("KubernetesPodOperator", {"image": f"{HOST}/a:v1"}, {"a:v1"}),
        ("_KubernetesDecoratedOperator", {"image": f"{HOST}/a:v1"}, {"a:v1"}),
        ("EksPodOperator", {"image": None, "pod_template_dict": CONTAINERS}, {"a:v1", "b:v1"}),
        # What is neither JSON nor text is rendered as Python writes it.
        ("KubernetesJobOperator", {"image": "nginx", "env_vars": f"[{{'value': '{HOST}/b:v1'}}]"}, {"b:v1"}),
        ("SparkKubernetesOperator", {"application_file": f"spec:\n  image: {HOST}/a:v1\n"}, {"a:v1"}),
        ("DockerOperator", {"image": f"{HOST}/a:v1", "command": f"registry {HOST}"}, {"a:v1"}),
        ("EcsRegisterTaskDefinitionOperator", {"container_definitions": [{"image": f"{HOST}/a:v1"}]}, {"a:v1"}),
        ("SageMakerModelOperator", {"config": {"PrimaryContainer": {"Image": f"{HOST}/a:v1"}}}, {"a:v1"}),
        (
            "SageMakerTrainingOperator",
            {"config": {"AlgorithmSpecification": {"TrainingImage": f"{HOST}/a:v1"}}},
            {"a:v1"},
        ),
        ("SageMakerRegisterModelVersionOperator", {"image_uri": f"{HOST}/a:v1"}, {"a:v1"}),
        ("DockerOperator", {"image": "public.ecr.aws/nginx/nginx:1"}, set()),
    ],
)
def test_what_the_fields_of_an_operator_name(operator: str, fields: dict[str, Any], images: set[str]) -> None:
    in_use = read(Api(operator, instance(fields)))
    assert in_use.is_complete, in_use.unread
    assert named(in_use) == images


@pytest.mark.parametrize(
    ("operator", "fields", "why"),
    [
        ("KubernetesPodOperator", {"image": f"{HOST}/a:{{{{ x }}}}"}, "cannot be read: '"),
        ("KubernetesPodOperator", {"image": f"{HOST}/a:"}, "cannot be read: '"),
        ("KubernetesPodOperator", {"image": "***"}, "masks image"),
        ("KubernetesPodOperator", {"image": "***.dkr.ecr.us-east-1.amazonaws.com/a:v1"}, "cannot be read: '"),
        (
            "KubernetesPodOperator",
            {"image": None, "pod_template_file": "pod.yaml"},
            "pod_template_file or full_pod_spec",
        ),
        ("KubernetesPodOperator", {"pod_template_dict": CUT}, "max_templated_field_length"),
        ("SageMakerModelOperator", {"config": {}}, "no config"),
        ("EcsRunTaskOperator", {"task_definition": "train"}, "train is found by no connection"),
    ],
)
def test_an_image_that_cannot_be_told_makes_airflow_unread_and_names_the_task(
    operator: str, fields: dict[str, Any], why: str
) -> None:
    api = Api(operator, instance({**fields, "other": "x"}))
    (unread,) = read(api, {"ecs": lambda _: None}).unread
    assert why in unread.reason
    assert "weekly.train" in unread.reason
    ignored = "weekly.*" if "cannot be read: '" not in why else "*"
    assert read(api, {"ecs": lambda _: None}, [ignored]).is_complete


def test_a_field_that_is_cut_matters_only_where_it_names_the_image() -> None:
    in_use = read(Api("KubernetesPodOperator", instance({"image": f"{HOST}/a:v1", "arguments": CUT})))
    assert (in_use.is_complete, named(in_use)) == (True, {"a:v1"})


def test_operators_of_one_s_own_are_read_where_they_are_named() -> None:
    api = Api("OurPodOperator", instance({"image": f"{HOST}/a:v1", "task_definition": "train"}), instance({"x": 1}, 2))
    in_use = ImagesInUse(NOW)
    definitions: Any = {"ecs": {"train": [f"{HOST}/b:v1"]}.get}
    found = lambda: rendered_images(api, definitions, None, ["OurPodOperator"])  # type: ignore[arg-type]  # noqa: E731
    read_source(in_use, SourceLabel("airflow"), found)
    assert (in_use.is_complete, named(in_use)) == (True, {"a:v1", "b:v1"})
    assert read(api).image_count == 0


def test_definitions_are_looked_up() -> None:
    definitions = {"ecs": {"train:7": [f"{HOST}/a:v1"]}.get, "batch": {"nightly": [f"{HOST}/b:v1"]}.get}
    assert named(read(Api("EcsRunTaskOperator", instance({"task_definition": "train:7"})), definitions)) == {"a:v1"}
    assert named(read(Api("BatchOperator", instance({"job_definition": "nightly"})), definitions)) == {"b:v1"}


def test_the_images_of_all_runs_that_are_kept_count_and_runs_before_them_do_not_matter() -> None:
    instances = [instance({"image": f"{HOST}/a:v{run}"}, run) for run in (3, 2)]
    in_use = read(Api("DockerOperator", *instances, instance({}, 1)))
    assert (in_use.is_complete, named(in_use)) == (True, {"a:v2", "a:v3"})


def test_what_an_airflow_does_not_list_is_looked_up_of_the_latest_run_that_has_it() -> None:
    # 3.1 lists no rendered fields at all, and the latest run may have failed before they were rendered.
    api = Api(
        "DockerOperator",
        *(instance({}, run, "failed" if run == 9 else "success") for run in (9, 8, 7, 6)),
        alone={"run-8": {"image": f"{HOST}/a:v8"}, "run-7": {"image": f"{HOST}/a:v7"}},
    )
    in_use = read(api)
    assert (in_use.is_complete, named(in_use), api.asked) == (True, {"a:v8"}, ["run-9", "run-8"])


def test_a_task_that_ran_and_has_no_rendered_fields_makes_airflow_unread() -> None:
    (unread,) = read(Api("DockerOperator", *(instance({}, run) for run in range(9)))).unread
    assert "Airflow task weekly.train: Airflow keeps no rendered fields of it" in unread.reason


@pytest.mark.parametrize("state", [None, "skipped", "upstream_failed", "queued", "removed"])
def test_a_task_that_has_not_run_has_no_image_yet(state: Any) -> None:
    in_use = read(Api("DockerOperator", instance({}, state=state)))
    assert (in_use.is_complete, in_use.image_count) == (True, 0)


def test_every_operator_is_asked_for_and_its_source_yields_what_it_finds() -> None:
    for operator in OPERATORS:
        (found,) = rendered_images(Api(operator, instance({"other": 1})), {})  # type: ignore[arg-type]  # as far as it is used
        assert isinstance(found, UnknownImage)
        assert not isinstance(found, FoundReference)


class Pages:
    """Answers a list of task instances page by page, and may lose one while it is read."""

    def __init__(self, count: int, *, lost: int = 0, limit: int = 100) -> None:
        self.instances = [{**instance({}), "id": str(number), "operator": "DockerOperator"} for number in range(count)]
        self.lost = lost
        self.limit = limit
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        offset = int(request.url.params["offset"])
        total = len(self.instances) if not offset else len(self.instances) - self.lost
        page = self.instances[: len(self.instances) - self.lost if offset else None][offset : offset + self.limit]
        return httpx.Response(200, json={"task_instances": page, "total_entries": total + self.lost})


def api_of(answer: Any, **kwargs: Any) -> AirflowApi:
    return AirflowApi(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://airflow/sub"), **kwargs)


def test_all_pages_are_read_newest_first_below_the_path_of_the_address() -> None:
    pages = Pages(250, limit=50)
    found = [*api_of(pages).task_instances("DockerOperator", NOW)]
    assert len(found) == 250
    assert len(pages.requests) == 5
    first = pages.requests[0].url
    assert first.path == "/sub/api/v2/dags/~/dagRuns/~/taskInstances"
    assert (first.params["order_by"], first.params["operator"]) == ("-id", "DockerOperator")
    assert first.params["start_date_gte"] == NOW.isoformat()


def test_instances_of_other_operators_are_left_out_where_an_airflow_does_not_filter_them() -> None:
    assert [*api_of(Pages(3)).task_instances("BatchOperator")] == []


@pytest.mark.parametrize(
    ("answer", "kwargs", "match"),
    [
        (Pages(250, lost=1), {}, "249 of 250 task instances"),
        (lambda _: httpx.Response(403, text="Forbidden"), {}, "GET /sub/api/v2/.* answers 403: Forbidden"),
        (lambda _: httpx.Response(302, headers={"Location": "http://elsewhere"}), {}, "answers 302"),
        (lambda _: httpx.Response(200, text="<html>"), {}, "not JSON"),
        (Pages(250), {"clock": iter([0.0, 1.0, 601.0]).__next__}, "not read within 600 seconds"),
    ],
    ids=["one is lost", "no permission", "a redirect", "not an API", "too slow"],
)
def test_a_list_that_is_not_whole_is_an_error(answer: Any, kwargs: dict[str, Any], match: str) -> None:
    with pytest.raises((RuntimeError, TimeoutError), match=match):
        [*api_of(answer, **kwargs).task_instances("DockerOperator")]


def test_more_task_instances_than_can_be_read_are_an_error_that_names_the_parameter() -> None:
    with pytest.raises(RuntimeError, match=r"250 task instances .*airflow_history_days"):
        [*api_of(Pages(250)).task_instances("DockerOperator", max_task_instances=100)]


def test_a_password_without_a_login_is_the_token() -> None:
    client = httpx.Client(base_url="http://airflow")
    sign_in(client, None, "token")
    assert client.headers["Authorization"] == "Bearer token"

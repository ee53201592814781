"""Find the images that Airflow tasks run: a weekly DAG's image runs nowhere for six days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from airflow_provider_ecr_preview.core.in_use.reference import references_in
from airflow_provider_ecr_preview.sources.airflow_api import AirflowApi, connected
from airflow_provider_ecr_preview.sources.eks import texts_of, values_of
from airflow_provider_ecr_preview.sources.found import FoundReference, UnknownImage

Definitions = Callable[[str], Sequence[str] | None]
"""Returns the images of a task or job definition; None if it cannot be found."""


_IMAGE_KEYS = ("image", "Image", "ImageUri", "TrainingImage", "image_uri")


_CUT = "Truncated. You can change this behaviour in [core]max_templated_field_length"


_MASK = "***"


_RUNS_LOOKED_AT = 3


_KIND = "Airflow task"


_HAVE_RUN = frozenset(
    {"success", "failed", "running", "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule", "restarting"}
)
"""States of a task instance whose fields were rendered, unless something went wrong."""


@dataclass(frozen=True, slots=True)
class _Operator:
    """The rendered fields in which an operator names images.

    :param fields: the fields; unless there are none, one of them must name an image.
    :param only_in: the setting that names the image if no field does, and that is not rendered.
    """

    fields: tuple[str, ...] = ()
    only_in: str | None = None


_POD = _Operator(("image", "pod_template_dict"), only_in="pod_template_file or full_pod_spec")


_SAGEMAKER = _Operator(("config",))


OPERATORS: Mapping[str, _Operator] = {
    "KubernetesPodOperator": _POD,
    "EksPodOperator": _POD,
    "GKEStartPodOperator": _POD,
    "KubernetesJobOperator": _POD,
    "KubernetesStartKueueJobOperator": _POD,
    "_KubernetesDecoratedOperator": _POD,
    "_KubernetesCmdDecoratedOperator": _POD,
    "SparkKubernetesOperator": _Operator(("application_file", "template_spec")),
    "DockerOperator": _Operator(("image",)),
    "DockerSwarmOperator": _Operator(("image",)),
    "_DockerDecoratedOperator": _Operator(("image",)),
    "EcsRunTaskOperator": _Operator(("task_definition",)),
    "EcsRegisterTaskDefinitionOperator": _Operator(("container_definitions",)),
    "BatchOperator": _Operator(("job_definition",)),
    "SageMakerModelOperator": _SAGEMAKER,
    "SageMakerProcessingOperator": _SAGEMAKER,
    "SageMakerTrainingOperator": _SAGEMAKER,
    "SageMakerTransformOperator": _SAGEMAKER,
    "SageMakerTuningOperator": _SAGEMAKER,
    "SageMakerEndpointOperator": _SAGEMAKER,
    "SageMakerRegisterModelVersionOperator": _Operator(("image_uri",)),
}
"""The operators whose task instances are read, by class name."""


_OF_ONES_OWN = _Operator()


_DEFINITIONS = {"task_definition": "ecs", "job_definition": "batch"}
"""The service that has the definition that a field names."""


Clients = Sequence[tuple[str | None, Callable[[str, str | None], Any]]]
"""For each connection and Region: the account, and a function that returns the client of a service in any Region."""


def airflow_tasks(
    airflow_conn_id: str, clients: Clients, since: datetime | None = None, own_operators: Sequence[str] = ()
) -> Iterator[FoundReference | UnknownImage]:
    """Yield the images that the tasks of an Airflow deployment name.

    :param airflow_conn_id: the HTTP connection to Airflow.
    :param clients: the clients that look up task definitions and job definitions.
    :param since: only task instances that started at or after this time.
    :param own_operators: names of more operator classes.
    """
    with connected(airflow_conn_id) as client:
        yield from rendered_images(AirflowApi(client), definitions_of(clients), since, own_operators)


def rendered_images(
    api: AirflowApi,
    definitions: Mapping[str, Definitions],
    since: datetime | None = None,
    own_operators: Sequence[str] = (),
) -> Iterator[FoundReference | UnknownImage]:
    """Yield the images that the rendered fields of task instances name.

    Airflow keeps the rendered fields of the last 30 runs of a task. This reads the task instances of :data:`OPERATORS`
    from the public API, which takes permission to read the DAGs; tasks of other DAGs are not seen.

    :param api: Airflow's API.
    :param definitions: returns the images of a task definition of ``ecs``, and of a job definition of ``batch``.
    :param since: only task instances that started at or after this time.
    :param own_operators: names of more operator classes; any image that their fields name counts, but they need
        not name one.
    """
    operators = {**dict.fromkeys(own_operators, _OF_ONES_OWN), **OPERATORS}
    for name, operator in operators.items():
        by_task: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for instance in api.task_instances(name, since):
            by_task[instance["dag_id"], instance["task_id"]].append(instance)
        for (dag_id, task_id), instances in by_task.items():
            yield from _of_task(api, f"{dag_id}.{task_id}", operator, instances, definitions)


def _of_task(
    api: AirflowApi,
    name: str,
    operator: _Operator,
    instances: Sequence[Mapping[str, Any]],
    definitions: Mapping[str, Definitions],
) -> Iterator[FoundReference | UnknownImage]:
    rendered = [instance["rendered_fields"] for instance in instances if instance.get("rendered_fields")]
    rendered = rendered or _looked_up(api, instances)
    if not rendered and any(instance.get("state") in _HAVE_RUN for instance in instances):
        yield UnknownImage("Airflow keeps no rendered fields of it", _KIND, name)
    found = dict.fromkeys(image for fields in rendered for image in _images(fields, operator, definitions))
    for reference, unknown in found:
        yield UnknownImage(unknown, _KIND, name) if unknown else FoundReference(reference, _KIND, name)


def _looked_up(api: AirflowApi, instances: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rendered fields of the latest run that has any; older Airflow releases do not list them."""
    runs: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for instance in instances:
        if instance.get("state") in _HAVE_RUN:
            runs[instance["dag_run_id"]].append(instance)
    for run in [*runs.values()][:_RUNS_LOOKED_AT]:
        rendered = [fields for instance in run if (fields := api.task_instance(instance).get("rendered_fields"))]
        if rendered:
            return rendered
    return []


def _images(
    fields: Mapping[str, Any], operator: _Operator, definitions: Mapping[str, Definitions]
) -> Iterator[tuple[str, str | None]]:
    """Yield each reference, or why it is unknown."""
    named = {name: fields[name] for name in operator.fields if fields.get(name)}
    for name, value in named.items():
        if isinstance(value, str) and value.startswith(_CUT):
            yield "", f"Airflow has cut {name}. Raise [core] max_templated_field_length for the Airflow that is read"
        elif value == _MASK:
            yield "", f"Airflow masks {name} as a secret"
    for name in _DEFINITIONS.keys() & fields.keys():
        if isinstance(value := fields[name], str) and value and value != _MASK and not value.startswith(_CUT):
            yield from _of_definition(value, definitions[_DEFINITIONS[name]])
    if operator.fields and not named:
        instead = f"; {operator.only_in} is not rendered" if operator.only_in else ""
        yield "", f"its rendered fields have no {' or '.join(operator.fields)}{instead}"
    # In any field: init containers, sidecars, overrides, and commands that start something.
    for key in _IMAGE_KEYS:
        yield from ((reference, None) for reference in values_of(fields, key) if not reference.startswith(_CUT))
    for text in texts_of(fields):
        yield from ((str(image), None) for image in references_in(text))


def _of_definition(name: str, images_of: Definitions) -> Iterator[tuple[str, str | None]]:
    images = images_of(name)
    if images is None:
        yield "", f"{name} is found by no connection of aws_conn_ids in any Region of region_names"
        return
    yield from ((image, None) for image in images)


def definitions_of(clients: Clients) -> Mapping[str, Definitions]:
    """Return the functions that look up task definitions and job definitions.

    Calls DescribeTaskDefinition (``ecs:DescribeTaskDefinition``) and DescribeJobDefinitions
    (``batch:DescribeJobDefinitions``), both of which show environment variables.

    :param clients: the clients to use; an ARN names its account and Region, a name is looked up everywhere.
    """
    known: dict[tuple[str, str], Sequence[str] | None] = {}

    def looked_up(kind: str, name: str) -> Sequence[str] | None:
        if (kind, name) not in known:
            known[kind, name] = _look_up(clients, kind, name)
        return known[kind, name]

    return {kind: partial(looked_up, kind) for kind in ("ecs", "batch")}


def _look_up(clients: Clients, kind: str, name: str) -> Sequence[str] | None:
    describe = {"ecs": _task_definition, "batch": _job_definition}[kind]
    account, region = (name.split(":")[4], name.split(":")[3]) if name.startswith("arn:") else (None, None)
    images: list[str] | None = None
    for of_account, client_of in clients:
        if account is None or account == of_account:
            found = describe(client_of(kind, region), name)
            if found is not None:
                images = [*(images or ()), *found]
    return images


def _task_definition(client: Any, name: str) -> list[str] | None:
    try:
        definition = client.describe_task_definition(taskDefinition=name)["taskDefinition"]
    except client.exceptions.ClientException:
        return None
    return [container["image"] for container in definition["containerDefinitions"]]


def _job_definition(client: Any, name: str) -> list[str] | None:
    if name.startswith("arn:") or ":" in name:
        found = client.describe_job_definitions(jobDefinitions=[name])["jobDefinitions"]
    else:
        found = client.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"]
    return [image for definition in found for image in values_of(definition, "image")] if found else None

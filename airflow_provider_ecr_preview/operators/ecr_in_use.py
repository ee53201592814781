"""The operator that collects which images are in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, get_args

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.sdk import BaseOperator

from airflow_provider_ecr_preview.aws.endpoints import mask_endpoint
from airflow_provider_ecr_preview.core.exceptions import ImagesInUseUnknownError
from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, UnreadSource
from airflow_provider_ecr_preview.core.parameters.values import choice, number, text, texts, tls_verification
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.tracebacks import defuse
from airflow_provider_ecr_preview.core.xcom.in_use import ImageInUse, ImagesInUseXCom
from airflow_provider_ecr_preview.iam import FURTHER_IN_USE_ACTIONS, IAM_ACTIONS, IN_USE_ACTIONS
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._publish import push_before_failure
from airflow_provider_ecr_preview.reports.lists import line_list
from airflow_provider_ecr_preview.sources.airflow import airflow_tasks
from airflow_provider_ecr_preview.sources.aws import (
    FURTHER_SOURCES,
    SOURCES,
    ClientOf,
    FoundReference,
    InUseSource,
    UnknownImage,
)
from airflow_provider_ecr_preview.sources.reading import SourceLabel, read_source, reason_of
from airflow_provider_ecr_preview.sources.reference_list import reference_list
from airflow_provider_ecr_preview.templating.parameters import Rule, regions
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import Templated

if TYPE_CHECKING:
    from airflow.sdk import Context


OnUnread = Literal["report", "fail"]


_SHOWN_UNREAD = 20


_PARAMETERS = {"reference_list": "reference_list", "airflow": "airflow_conn_id"}
"""The parameter that a source needs if it is not an AWS service."""


_ACTIONS = {**IN_USE_ACTIONS, **FURTHER_IN_USE_ACTIONS}


class _Place(NamedTuple):
    """Where the services of AWS are read: with which connection, in which account and Region."""

    aws_conn_id: str | None
    account_id: str | None
    region_name: str | None


def _sources(value: Any, parameter: str, default: Any = None) -> Any:
    del parameter
    return default if value is None else known_sources(value)


class EcrCollectImagesInUseOperator(LiteralXComMixin, BaseOperator):
    """Collect which images run, or may be started at any time, once for all repositories of a clean-up.

    Reads every source with every connection in every Region. The result names each source that could not be read, which
    blocks the clean-up: leave out sources that you do not use, so that they cannot fail. References by digest and by tag
    both count, and a tag protects the image that it points to. The result records which accounts and Regions were read,
    and the clean-up compares them with its ``required_scope``.

    Calls GetCallerIdentity, which needs no permission, and the operations of the sources, see
    :mod:`~airflow_provider_ecr_preview.sources.aws`; changes nothing.

    .. code-block:: python

        running = EcrCollectImagesInUseOperator(
            task_id="in_use",
            sources=["ecs", "lambda"],
            aws_conn_ids=["aws_production", "aws_staging"],
            region_names=["eu-central-1", "us-east-1"],
        )
        EcrDeletePreviewedImagesOperator(task_id="clean_up", summary=..., in_use=running.output)

    :param sources: names of services (``ecs``, ``eks``, ``lambda``, ``batch``, ``sagemaker``, ``apprunner``, ``codebuild``;
        and, not among the default, ``ecs_daemons`` and ``emr_serverless``), or functions of your own. A function gets
        another function, which returns the boto3 client of a service, and yields
        :class:`~airflow_provider_ecr_preview.sources.aws.FoundReference`. ``reference_list`` and ``airflow`` are allowed
        too, and are read whenever their parameters are set.
    :param reference_list: references that another tool collected, read in addition to the sources: a list of texts or of
        objects with ``image`` and ``digest``, the same as JSON, or the ``ObjectStoragePath`` URL of a file of JSON or
        JSON Lines. An empty list counts as not read. (templated)
    :param airflow_conn_id: the HTTP connection to an Airflow whose KubernetesPod, ECS, Batch, Docker and SageMaker tasks are
        read with its public API, in addition to the sources. The connection needs the login and password of a user who may
        read all DAGs, or a token as the password. (templated)
    :param airflow_operators: classes of your own operators in this Airflow that name images in templated fields, such as
        subclasses of KubernetesPodOperator. (templated)
    :param airflow_history_days: read only task instances of this Airflow from this number of days; None for
        all. (templated)
    :param aws_conn_ids: the Airflow connections to read with, one for each account; None for ``aws_conn_id``. (templated)
    :param region_names: the Regions to read; None for ``region_name``. (templated)
    :param in_use_path: where to write the images if they are too many for XCom, an ``ObjectStoragePath`` URL of a
        file. (templated)
    :param ignored_references: globs of image references to ignore if they name an ECR registry and cannot be read, such as
        the placeholder in a task definition that never runs; also globs of Airflow tasks (``dag_id.task_id``) whose image
        is unknown. (templated)
    :param on_unread: ``report`` if a source cannot be read, which blocks the clean-up, or ``fail`` this task as
        well. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore clients.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.in_use.ImagesInUseXCom`.
    :raises ImagesInUseUnknownError: with ``on_unread="fail"``, if a source cannot be read. The result is pushed before.
    :raises ValueError: if a source is unknown, or if the images are too many for XCom and ``in_use_path`` is not set.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrCollectImagesInUseOperator"]
    template_fields: Sequence[str] = (
        "airflow_conn_id",
        "airflow_history_days",
        "airflow_operators",
        "aws_conn_id",
        "aws_conn_ids",
        "ignored_references",
        "in_use_path",
        "on_unread",
        "reference_list",
        "region_name",
        "region_names",
        "verify",
    )
    operator_extra_links = (EcrPreviewTabLink(),)
    ui_color = "#d8f0e0"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        "on_unread": partial(choice, choices=get_args(OnUnread)),
        "region_names": partial(regions, protects=True),
        "sources": _sources,
    }

    def __init__(
        self,
        *,
        sources: Sequence[str | InUseSource] = tuple(SOURCES),
        reference_list: Templated[Sequence[Any] | Mapping[str, Any]] | None = None,
        airflow_conn_id: Templated[str] | None = None,
        airflow_operators: Templated[Names] | None = None,
        airflow_history_days: Templated[float] | None = None,
        aws_conn_ids: Templated[Names] | None = None,
        region_names: Templated[Names] | None = None,
        in_use_path: Templated[str] | None = None,
        ignored_references: Templated[Names] | None = None,
        on_unread: Templated[OnUnread] | None = "report",
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sources = sources
        self.reference_list = reference_list
        self.airflow_conn_id = airflow_conn_id
        self.airflow_operators = airflow_operators
        # A source that the DAG sets is wanted, even if a template renders its parameter to None.
        self._given = {
            source
            for source, value in (("reference_list", reference_list), ("airflow", airflow_conn_id))
            if value is not None
        }
        self.airflow_history_days = airflow_history_days
        self.aws_conn_ids = aws_conn_ids
        self.region_names = region_names
        self.in_use_path = in_use_path
        self.ignored_references = ignored_references
        self.on_unread = on_unread
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self._check_constants()

    def execute(self, context: Context) -> ImagesInUseXCom:
        """Read every source."""
        sources = self._checked_sources()
        ignored = texts(self.ignored_references, "ignored_references")
        self.in_use_path = text(self.in_use_path, "in_use_path")
        in_use = ImagesInUse(datetime.now(UTC))
        places: list[_Place] = []
        further = self._further_sources(in_use.collected_at, places)
        if sources or "airflow" in further:
            places += self._places(in_use)
        for place in places:
            for name, source in sources.items():
                label = SourceLabel(name, *place, _ACTIONS.get(name, ()))
                read_source(in_use, label, partial(source, self._client_of(place)), ignored)
        for name, found in further.items():
            read_source(in_use, SourceLabel(name, iam_actions=_ACTIONS.get(name, ())), found, ignored)
        value = in_use.as_xcom(self._write if self.in_use_path else None)
        self.log.info(
            "Found %s in use, by digest or tag. Sources read: %d; not readable: %d. Accounts and Regions read: %s.",
            counted(in_use.image_count, "image"),
            len(in_use.sources),
            len(in_use.unread),
            ", ".join(f"{account_id}/{region_name}" for account_id, region_name in sorted(in_use.scope)) or "nothing",
        )
        if in_use.unread and self._on_unread == "fail":
            push_before_failure(context, self, value)
            unread = "".join(f"\n  - {source}" for source in in_use.unread[:_SHOWN_UNREAD])
            raise ImagesInUseUnknownError(
                f"{counted(in_use.unread, 'source')} could not be read, so it is not known which images they run. Allow the "
                f"actions in IAM, or leave out sources that you do not use.{unread}"
            )
        return value

    def _checked_sources(self) -> dict[str, InUseSource]:
        """Return the sources by name, checked before any call."""
        self._on_unread: OnUnread = choice(self.on_unread, "on_unread", get_args(OnUnread), "report")
        if not self._named() and not self._given:
            raise ValueError("sources is empty; name at least one.")
        return known_sources(self.sources)

    def _further_sources(
        self, now: datetime, places: Sequence[_Place]
    ) -> dict[str, Callable[[], Iterator[FoundReference | UnknownImage]]]:
        """Return the sources that are not AWS services, which are read once and not in every Region.

        :param now: the time (aware).
        :param places: where AWS is read; the list is filled before a source is read.
        """
        further: dict[str, Callable[[], Iterator[FoundReference | UnknownImage]]] = {}
        if self.reference_list is not None:
            further["reference_list"] = partial(reference_list, self.reference_list)
        conn_id = text(self.airflow_conn_id, "airflow_conn_id", protects=True)
        days = number(self.airflow_history_days, "airflow_history_days", None, minimum=1, protects=True)
        own_operators = texts(self.airflow_operators, "airflow_operators")
        if conn_id is not None:
            since = None if days is None else now - timedelta(days=days)
            further["airflow"] = lambda: airflow_tasks(
                conn_id, [(place.account_id, self._client_in(place)) for place in places], since, own_operators
            )
        named = self._given | {name for name in self._named() if isinstance(name, str) and name in _PARAMETERS}
        if without := sorted(named - further.keys()):
            parameter = _PARAMETERS[without[0]]
            raise ValueError(
                f"{parameter} is None, but the source {without[0]} needs it. Set it, or leave the source out of sources."
            )
        return further

    def _named(self) -> list[str | InUseSource]:
        return _listed(self.sources)

    def _places(self, in_use: ImagesInUse) -> Iterator[_Place]:
        """Yield where to read, with the account of each connection; a connection whose account is unknown counts as not read."""
        aws_conn_ids = [self.aws_conn_id] if self.aws_conn_ids is None else self._names("aws_conn_ids")
        region_names = [text(self.region_name, "region_name")]
        if self.region_names is not None:
            region_names = self._names("region_names")
        for aws_conn_id in aws_conn_ids:
            account_id = None
            for region_name in region_names:
                # Not the client of STS, which needs no Region.
                hook, resolved = self._hook(aws_conn_id, region_name, "ecr"), region_name
                try:
                    resolved = hook.conn_region_name
                    account_id = account_id or hook.account_id
                except Exception as error:  # whatever the reason is, the account is unknown
                    defuse(error)
                    self.log.warning("The account of the connection %s is unknown.", aws_conn_id, exc_info=True)
                    reason = f"the account of this connection is unknown. {reason_of(error)}"
                    in_use.unread.append(UnreadSource("account", aws_conn_id, resolved, reason))
                yield _Place(aws_conn_id, account_id, resolved)

    def _names(self, parameter: str) -> list[str | None]:
        names = texts(getattr(self, parameter), parameter, protects=True)
        if not names:
            raise ValueError(f"{parameter} is empty; name at least one, or leave it out.")
        return [*names]

    def _hook(self, aws_conn_id: str | None, region_name: str | None, client_type: str) -> AwsGenericHook[Any]:
        return AwsGenericHook(
            aws_conn_id=aws_conn_id,
            client_type=client_type,
            region_name=region_name,
            verify=tls_verification(self.verify, "verify"),
            config=self.botocore_config,
        )

    def _client_of(self, place: _Place) -> ClientOf:
        return partial(self._client, place, None)

    def _client_in(self, place: _Place) -> Callable[[str, str | None], Any]:
        return lambda service, region_name: self._client(place, region_name, service)

    def _client(self, place: _Place, region_name: str | None, service: str) -> Any:
        client = self._hook(place.aws_conn_id, region_name or place.region_name, service).conn
        mask_endpoint(client)
        return client

    def _write(self, images: Iterator[ImageInUse]) -> str:
        path = str(self.in_use_path)
        with line_list(path, dag_id=self.dag_id) as lines:
            for image in images:
                lines.write(image)
        return path


def known_sources(sources: str | Sequence[str | InUseSource]) -> dict[str, InUseSource]:
    """Return the functions of sources by their names; those with a parameter of their own are left out.

    :param sources: names of sources, and functions.
    :raises ValueError: if a name is unknown, or two functions have the same name.
    """
    by_name = {**SOURCES, **FURTHER_SOURCES}
    known: dict[str, InUseSource] = {}
    for source in _listed(sources):
        if not callable(source) and source not in by_name:
            if source in _PARAMETERS:
                continue
            names = ", ".join([*by_name, *_PARAMETERS])
            raise ValueError(
                f"sources has {source!r}, which is not a source. Use a function of your own, or one of {names}."
            )
        name = getattr(source, "__name__", str(source)) if callable(source) else source
        function = source if callable(source) else by_name[source]
        if known.setdefault(name, function) is not function:
            raise ValueError(
                f"sources has two sources with the name {name!r}, and only one would be read. Give each function a name "
                "of its own."
            )
    return known


def _listed(sources: str | Sequence[str | InUseSource]) -> list[str | InUseSource]:
    return [sources] if isinstance(sources, str) else [*sources]

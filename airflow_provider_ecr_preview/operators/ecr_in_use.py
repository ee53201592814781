"""The operator that collects which images are in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.sdk import BaseOperator

from airflow_provider_ecr_preview.exceptions import ImagesInUseUnknownError
from airflow_provider_ecr_preview.hooks.in_use_sources import SOURCES, ClientOf, InUseSource
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.image_reference import parse_reference
from airflow_provider_ecr_preview.in_use import ImageInUse, ImagesInUse, ImagesInUseXCom, ImageUser, UnreadSource
from airflow_provider_ecr_preview.operators.failed_result import push_before_failure
from airflow_provider_ecr_preview.reports import line_list
from airflow_provider_ecr_preview.repository_selection import Names, names_of
from airflow_provider_ecr_preview.templating import LiteralXComMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

MAX_REASON_CHARACTERS = 300


class EcrCollectImagesInUseOperator(LiteralXComMixin, BaseOperator):
    """Collect which images run, or may be started at any time, once for all repositories of a clean-up.

    Asks every source with every connection in every Region. One that cannot be read is told in the result, and nothing
    is cleaned up by it: a source that is not used at all has to be left out here, not to fail. References by digest and
    by tag count both, and a tag protects what it points to.

    Calls what the sources call, see :mod:`~airflow_provider_ecr_preview.hooks.in_use_sources`; changes nothing.

    .. code-block:: python

        running = EcrCollectImagesInUseOperator(
            task_id="in_use",
            sources=["ecs", "lambda"],
            aws_conn_ids=["aws_production", "aws_staging"],
            region_names=["eu-central-1", "us-east-1"],
        )
        EcrDeletePreviewedImagesOperator(task_id="clean_up", summary=..., in_use=running.output)

    :param sources: names of services (``ecs``, ``eks``, ``lambda``, ``batch``, ``sagemaker``, ``apprunner``, ``codebuild``), or
        functions of your own that take what returns the boto3 client of a service, and yield
        :class:`~airflow_provider_ecr_preview.hooks.in_use_sources.FoundReference`.
    :param aws_conn_ids: the Airflow connections to ask with, one for every account. (templated)
    :param region_names: the Regions to ask in; that of the connection if None. (templated)
    :param in_use_path: where to write the images when they are too many for XCom, an ``ObjectStoragePath`` URL of a
        file. (templated)
    :param on_unread: ``report`` when a source cannot be read, which blocks the clean-up, or ``fail`` this task, too.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore clients.
    :return: :class:`~airflow_provider_ecr_preview.in_use.ImagesInUseXCom`.
    :raises ImagesInUseUnknownError: with ``on_unread="fail"``, if a source cannot be read; the result is pushed before.
    :raises ValueError: if a source is not known, or the images are too many for XCom and there is no ``in_use_path``.
    """

    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrCollectImagesInUseOperator"]
    template_fields: Sequence[str] = ("aws_conn_ids", "in_use_path", "region_names")
    ui_color = "#d8f0e0"

    def __init__(
        self,
        *,
        sources: Sequence[str | InUseSource] = tuple(SOURCES),
        aws_conn_ids: Names = ("aws_default",),
        region_names: Names | None = None,
        in_use_path: str | None = None,
        on_unread: Literal["report", "fail"] = "report",
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sources = sources
        self.aws_conn_ids = aws_conn_ids
        self.region_names = region_names
        self.in_use_path = in_use_path
        self.on_unread = on_unread
        self.verify = verify
        self.botocore_config = botocore_config

    def execute(self, context: Context) -> ImagesInUseXCom:
        """Ask every source."""
        sources = self._checked_sources()
        in_use = ImagesInUse(datetime.now(UTC))
        for aws_conn_id in names_of(self.aws_conn_ids):
            for region_name in names_of(self.region_names) or [None]:
                for name, source in sources.items():
                    self._read(in_use, name, source, aws_conn_id, region_name)
        value = in_use.as_xcom(self._write if self.in_use_path else None)
        self.log.info(
            "%d images are in use, by digest or tag; %d sources were read and %d could not be.",
            in_use.image_count,
            len(in_use.sources),
            len(in_use.unread),
        )
        if in_use.unread and self.on_unread == "fail":
            push_before_failure(context, self, value)
            unread = "".join(f"\n  - {source}" for source in in_use.unread)
            raise ImagesInUseUnknownError(
                f"{len(in_use.unread)} sources could not be read, and nothing is known of what they run:{unread}\n"
                "Allow it in IAM, or leave out a source that is not used at all."
            )
        return value

    def _checked_sources(self) -> dict[str, InUseSource]:
        """Return the sources by name, before anything is asked."""
        if self.on_unread not in ("report", "fail"):
            raise ValueError(f"on_unread is {self.on_unread!r}. Use 'report' or 'fail'.")
        if not names_of(self.aws_conn_ids):
            raise ValueError("aws_conn_ids is empty. Name the connections to ask with.")
        sources: dict[str, InUseSource] = {}
        for source in [self.sources] if isinstance(self.sources, str) else self.sources:
            if callable(source):
                sources[getattr(source, "__name__", str(source))] = source
            elif source in SOURCES:
                sources[source] = SOURCES[source]
            else:
                raise ValueError(
                    f"There is no source {source!r}. Use a function of your own, or of {', '.join(SOURCES)}."
                )
        if not sources:
            raise ValueError("sources is empty, and what is asked of nobody is not known.")
        return sources

    def _read(
        self, in_use: ImagesInUse, name: str, source: InUseSource, aws_conn_id: str, region_name: str | None
    ) -> None:
        count = 0
        try:
            for found in source(self._client_of(aws_conn_id, region_name)):
                reference = parse_reference(found.reference, found.image_digest)
                if reference is not None:
                    in_use.add(reference, ImageUser(found.kind, found.name))
                    count += 1
        except Exception as error:  # whatever it is, what this source runs is not known
            self.log.warning("%s cannot be read with %s in %s.", name, aws_conn_id, region_name, exc_info=True)
            reason = f"{type(error).__name__}: {error}"[:MAX_REASON_CHARACTERS]
            in_use.unread.append(UnreadSource(name, aws_conn_id, region_name, reason))
            return
        self.log.info("%s, %s, %s: %d images of ECR.", name, aws_conn_id, region_name, count)
        in_use.sources.append(
            {"source": name, "aws_conn_id": aws_conn_id, "region_name": region_name, "reference_count": count}
        )

    def _client_of(self, aws_conn_id: str, region_name: str | None) -> ClientOf:
        def client_of(service: str) -> Any:
            hook: AwsGenericHook[Any] = AwsGenericHook(
                aws_conn_id=aws_conn_id,
                client_type=service,
                region_name=region_name,
                verify=self.verify,
                config=self.botocore_config,
            )
            return hook.conn

        return client_of

    def _write(self, images: Iterator[ImageInUse]) -> str:
        path = str(self.in_use_path)
        with line_list(path) as lines:
            for image in images:
                lines.write(image)
        return path

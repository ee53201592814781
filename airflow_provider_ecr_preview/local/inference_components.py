"""Add SageMaker's inference components, which moto lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.extension import Answer, Extension
from airflow_provider_ecr_preview.local.reply import Reply


class InferenceComponents(Extension):
    """The inference components of SageMaker, each with the images that it was deployed with."""

    service = "sagemaker"
    responses = "moto.sagemaker.responses.SageMakerResponse"

    def __init__(self, refusal: Callable[[Call], Reply | None]) -> None:
        super().__init__(refusal)
        self.images: dict[str, tuple[str, str]] = {}
        """By component name: the image that the component names, and the image that it was resolved to."""

    def answers(self) -> Mapping[str, Answer]:
        """Return the function that answers each operation."""
        return {"ListInferenceComponents": self._list, "DescribeInferenceComponent": self._describe}

    def _list(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"InferenceComponents": [{"InferenceComponentName": name} for name in sorted(self.images)]}

    def _describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["InferenceComponentName"]
        specified, resolved = self.images[name]
        image = {"SpecifiedImage": specified, "ResolvedImage": resolved}
        return {"InferenceComponentName": name, "Specification": {"Container": {"DeployedImage": image}}}

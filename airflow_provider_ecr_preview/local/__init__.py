"""A local ECR for tests and first steps: moto, extended with lifecycle policy previews and more.

The rest of the package does not import it. It needs the extra ``local``.
"""

from __future__ import annotations

from airflow_provider_ecr_preview.local import _extra  # noqa: F401 - says what to install before anything else fails
from airflow_provider_ecr_preview.local.calls import Call, CallLog
from airflow_provider_ecr_preview.local.ecr import LocalEcr
from airflow_provider_ecr_preview.local.faults import (
    AccessDenied,
    Altered,
    ConnectionReset,
    Delay,
    Fault,
    ImagesRefused,
    LostReply,
    Meanwhile,
    PreviewExpires,
    PreviewFails,
    PreviewReplaced,
    RateLimit,
    Refused,
    TruncatedBody,
    server_error,
    throttled,
    wrong_status,
    wrong_summary,
)
from airflow_provider_ecr_preview.local.injections import Injection
from airflow_provider_ecr_preview.local.registry import ManifestList, Registry

__all__ = [
    "AccessDenied",
    "Altered",
    "Call",
    "CallLog",
    "ConnectionReset",
    "Delay",
    "Fault",
    "ImagesRefused",
    "Injection",
    "LocalEcr",
    "LostReply",
    "ManifestList",
    "Meanwhile",
    "PreviewExpires",
    "PreviewFails",
    "PreviewReplaced",
    "RateLimit",
    "Refused",
    "Registry",
    "TruncatedBody",
    "server_error",
    "throttled",
    "wrong_status",
    "wrong_summary",
]

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
from airflow_provider_ecr_preview.local.transport_faults import (
    DriftingTotal,
    Hang,
    HtmlPage,
    PageTokenExpires,
    SlowDrip,
    expired_credentials,
    malformed,
    service_unavailable,
)

__all__ = [
    "AccessDenied",
    "Altered",
    "Call",
    "CallLog",
    "ConnectionReset",
    "Delay",
    "DriftingTotal",
    "Fault",
    "Hang",
    "HtmlPage",
    "ImagesRefused",
    "Injection",
    "LocalEcr",
    "LostReply",
    "ManifestList",
    "Meanwhile",
    "PageTokenExpires",
    "PreviewExpires",
    "PreviewFails",
    "PreviewReplaced",
    "RateLimit",
    "Refused",
    "Registry",
    "SlowDrip",
    "TruncatedBody",
    "expired_credentials",
    "malformed",
    "server_error",
    "service_unavailable",
    "throttled",
    "wrong_status",
    "wrong_summary",
]

"""An ECR on this machine, to test and to try: moto with lifecycle policy previews added at the wire.

Nothing of the product imports it; it needs the extra ``local``.
"""

from airflow_provider_ecr_preview.local.ecr import LocalEcr

__all__ = ["LocalEcr"]

"""Amazon ECR lifecycle policy previews for Apache Airflow.

Airflow imports this package while it is itself being imported, so nothing of Airflow may be imported here.
"""

from __future__ import annotations

__all__ = ["__version__"]


__version__ = "0.2.0"

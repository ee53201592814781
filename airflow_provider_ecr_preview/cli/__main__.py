"""``python -m airflow_provider_ecr_preview.cli``."""

from __future__ import annotations

import sys

from airflow_provider_ecr_preview.cli.main import main

sys.exit(main())

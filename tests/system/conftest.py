"""System tests run against the local ECR, or against AWS if SYSTEM_TESTS_ON_AWS is set."""

from __future__ import annotations

import os

import pytest

if os.environ.get("SYSTEM_TESTS_ON_AWS"):

    @pytest.fixture
    def local_ecr() -> None:
        """Leave the credentials and the Region of the environment as they are."""

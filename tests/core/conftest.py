"""Settings of the property tests: the same examples in every run, so that a failure is never a matter of luck."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core",
    derandomize=True,
    deadline=None,  # other tests run beside these
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("core")

"""What has a compiled twin is asked twice: by numpy and by the kernel, whose half is skipped, loudly, without it."""

import os

import pytest

from keepclear.geo.kernel import LOADED, Kernel

if LOADED is None and os.environ.get("CI"):
    raise RuntimeError("the kernel is not installed, and here both engines are to be tested; hint: make kernel")

without = pytest.mark.skipif(LOADED is None, reason="the kernel is not installed; hint: make kernel")


@pytest.fixture(params=[pytest.param(None, id="numpy"), pytest.param(LOADED, id="kernel", marks=without)])
def kernel(request: pytest.FixtureRequest) -> Kernel | None:
    """numpy, then the compiled twin."""
    found: Kernel | None = request.param
    return found

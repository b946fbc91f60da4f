"""What the tests of `up` may ask for besides."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that other users may pass through. PostgreSQL's must be when we are root; pytest's is not."""
    with tempfile.TemporaryDirectory(prefix="syncworker-tests-") as folder:
        yield Path(folder).resolve()

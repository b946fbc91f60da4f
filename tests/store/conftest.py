"""A database that is the test's own: tests of the store make tables, and copy, restore and break all there is."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_url(fresh_database_url: str) -> str:
    return fresh_database_url

"""The servers that the tests ask for are real, fresh and quick."""

from __future__ import annotations

import psycopg
import pytest
import redis

from syncworker.store import migrate
from syncworker.up import postgres

pytestmark = pytest.mark.integration


def test_each_test_gets_a_fresh_migrated_database(database_url: str) -> None:
    with psycopg.connect(postgres.plain(database_url)) as connection:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == (migrate.newest(),)


def test_a_database_without_a_schema_can_be_had(empty_database_url: str) -> None:
    with psycopg.connect(postgres.plain(empty_database_url)) as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == []


def test_redis_is_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0

"""The servers that the tests ask for are real, fresh and quick."""

from __future__ import annotations

import psycopg
import pytest
import redis

from support import services
from syncworker.store import migrate
from syncworker.store.tables import metadata
from syncworker.up import postgres

pytestmark = pytest.mark.integration


def test_each_test_gets_a_migrated_database(database_url: str) -> None:
    with psycopg.connect(postgres.plain(database_url)) as connection:
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == (migrate.newest(),)


def test_what_a_test_left_is_gone_for_the_next_one(fresh_database_url: str) -> None:
    url = postgres.plain(fresh_database_url)
    with psycopg.connect(url) as left, psycopg.connect(url) as open_still:
        left.execute("INSERT INTO persons (name, named_at) SELECT n, now() FROM generate_series(1, 20000) AS n")
        left.execute("INSERT INTO history (at, who, event, source) VALUES (now(), 'somebody', 'registered', 'form')")
        left.commit()
        open_still.execute("LOCK TABLE history")
        services.empty_database(fresh_database_url, metadata.tables)
        with pytest.raises(psycopg.OperationalError):
            open_still.execute("SELECT 1")
    with psycopg.connect(url) as connection:
        for table in metadata.tables:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
        assert connection.execute("SELECT nextval(pg_get_serial_sequence('history', 'id'))").fetchone() == (1,)
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute("TRUNCATE history")


def test_a_database_without_a_schema_can_be_had(empty_database_url: str) -> None:
    with psycopg.connect(postgres.plain(empty_database_url)) as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == []


def test_redis_is_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0

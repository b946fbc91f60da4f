"""A log is JSON, one event a line, and names no person."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from syncworker import logs


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    logs.configure()
    yield
    structlog.reset_defaults()
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, logs.ToStandardError):
            logging.getLogger().removeHandler(handler)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_events_and_those_of_libraries_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("syncworker.sync").warning("portal_blocked", hub_id=4711)
    for library in ("dramatiq.worker", "uvicorn.error", "alembic.runtime.migration"):
        logging.getLogger(library).error("of %s", library)
    found = lines(capsys)
    assert [line["event"] for line in found] == [
        "portal_blocked",
        "of dramatiq.worker",
        "of uvicorn.error",
        "of alembic.runtime.migration",
    ]
    assert {line["level"] for line in found} == {"warning", "error"}
    assert all(line["timestamp"] for line in found)


def test_no_email_gets_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("x").warning("hubspot_said", detail='Email "ada.berg@fjordline-tools.se" is invalid')
    logging.getLogger("x").warning("contact %s", "<ada@fjordline.se>")
    said = capsys.readouterr().err
    assert "fjordline" not in said
    assert said.count("<email>") >= 2


def test_of_an_error_the_first_line_is_told_and_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    said = "ada@fjordline.se broke it\nDETAIL: Failing row contains (Ada Berg)"
    try:
        try:
            raise ValueError(said)
        except ValueError as error:
            raise KeyError("outer") from error
    except KeyError:
        structlog.get_logger("x").exception("batch_failed")
        logging.getLogger("dramatiq.worker").exception("Failed to process message")
    for line in lines(capsys):
        told = line["exception"]
        assert "ValueError: <email> broke it" in told
        assert "KeyError: 'outer'" in told
        assert __name__.rpartition(".")[2] in told
        assert "Ada" not in told

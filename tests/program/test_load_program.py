"""Are programs read as they are written, and are all mistakes in one named at once?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from syncworker.program import (
    Authority,
    MissingConfigError,
    NoCapacityError,
    ProgramError,
    UnknownTierError,
    Validity,
    config_dir,
    load_program,
)

IN_2018 = date(2018, 6, 27)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("tier", "limit"),
    [("untiered", 50), ("silver", 500), ("gold", 500), ("platinum", 500), ("diamond", 1000)],
)
def test_hubspots_published_capacities_hold_from_the_day_they_were_published(tier: str, limit: int) -> None:
    rule = load_program().capacity(tier, IN_2018)

    assert (rule.limit, rule.is_example) == (limit, False)
    assert "27 June 2018" in rule.source_text


@pytest.mark.parametrize("tier", ["untiered", "silver", "gold", "platinum", "diamond"])
def test_a_number_that_was_changed_without_being_published_is_an_example_from_then_on(tier: str) -> None:
    program = load_program()

    assert not program.capacity(tier, date(2021, 4, 14)).is_example
    later = program.capacity(tier, date(2021, 4, 15))
    assert later.is_example
    assert later.limit == program.capacity(tier, IN_2018).limit
    assert "2021-04-15 (hubspot.com/partner-news/domain-capacity-changes-2021)" in later.source_text
    assert "2022-02-01" in program.capacity(tier, TODAY).source_text


def test_elites_capacity_was_never_published_and_is_an_example() -> None:
    rule = load_program().capacity("elite", TODAY)

    assert rule.is_example
    assert rule.source_text.startswith("example value")


def test_sales_referral_partners_have_25_registrations_of_90_days() -> None:
    program = load_program()

    assert program.capacity("sales-referral-partner", TODAY).limit == 25
    assert not program.capacity("sales-referral-partner", TODAY).is_example
    assert program.validity("sales-referral-partner") == Validity(days=90)
    assert program.validity("diamond") == Validity(years=1)


def test_before_the_first_rule_set_there_is_no_capacity() -> None:
    with pytest.raises(NoCapacityError, match="no capacity for the tier 'gold' on 2018-06-26"):
        load_program().capacity("gold", date(2018, 6, 26))


def test_an_unknown_tier_is_answered_with_the_known_ones() -> None:
    program = load_program()

    with pytest.raises(UnknownTierError, match="untiered, silver, gold, platinum, diamond, elite") as caught:
        program.capacity("bronze", TODAY)
    assert caught.value.known == program.tier_names
    with pytest.raises(UnknownTierError):
        program.validity("Gold")


def test_hubspots_program_has_hubspot_as_its_authority_and_the_example_its_own() -> None:
    assert load_program("hubspot-solutions-partner").authority is Authority.HUBSPOT
    assert load_program("example-own").authority is Authority.OWN


def test_a_later_rule_set_replaces_only_the_tiers_it_names() -> None:
    program = load_program("example-own")

    assert program.capacity("partner", date(2026, 6, 30)).limit == 100
    assert program.capacity("partner", date(2026, 7, 1)).limit == 150
    assert program.capacity("starter", date(2026, 7, 1)).limit == 20
    assert program.tier("strategic").label == "Strategic Partner"
    assert program.validity("starter") == Validity(days=180)
    assert program.validity("strategic") == Validity(years=2)


def test_a_program_is_loaded_by_its_path(tmp_path: Path) -> None:
    file = _written(tmp_path, SOUND)

    assert load_program(file).name == "mine"
    assert load_program(str(file)).label == "Mine"
    assert load_program(file).validity("a") == Validity(years=1)


def test_an_unknown_program_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ProgramError, match="use one of example-own, hubspot-solutions-partner"):
        load_program("nobodys")


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="cannot be read: No such file"):
        load_program(tmp_path / "nowhere.toml")
    with pytest.raises(ProgramError, match="is not TOML"):
        load_program(_written(tmp_path, "label = "))
    (tmp_path / "latin.toml").write_bytes(b'label = "\xe5"')
    with pytest.raises(ProgramError, match="is not TOML"):
        load_program(tmp_path / "latin.toml")


SOUND = """
label = "Mine"
authority = "own"
[[tiers]]
name = "a"
label = "A"
[[rule_sets]]
valid_from = 2026-01-01
source = "us"
capacity = { a = 1 }
"""


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    text = """
authority = "nobody"
validty = { years = 1 }
validity = { years = 1, days = 1 }
[[tiers]]
name = "a"
label = " "
validity = { days = 0 }
[[tiers]]
name = "a"
label = "A"
[[rule_sets]]
valid_from = "2026-01-01"
source = "us"
capacity = { a = -1, b = true }
[[rule_sets]]
valid_from = 2026-01-01T10:00:00
source = 7
capacity = { a = { limit = 1, example = "yes", source = "" } }
unpublished = ["c"]
[[rule_sets]]
valid_from = 2026-02-01
source = "us"
capacity = 5
"""
    with pytest.raises(ProgramError) as caught:
        load_program(_written(tmp_path, text))

    assert set(caught.value.problems) == {
        "the program: unknown key 'validty', known are authority, label, rule_sets, tiers, validity",
        "the program: label must be a text",
        "authority must be one of hubspot, own",
        "validity must be { years = N } or { days = N }",
        "tier 1: label must be a text",
        "tier 1 validity must be a whole number, 1 or more",
        "tier 'a' is there twice",
        "rule set 1: valid_from must be a date such as 2018-06-27, without quotes",
        "rule set 1: 'b' is not a tier of this program",
        "rule set 1 capacity of a must be a whole number, 0 or more",
        "rule set 1 capacity of b must be a whole number, 0 or more",
        "rule set 2: valid_from must be a date such as 2018-06-27, without quotes",
        "rule set 2: source must be a text",
        "rule set 2: 'c' is not a tier of this program",
        "rule set 2 capacity of a: example must be true or false",
        "rule set 2 capacity of a: source must be a text",
        "rule set 3: capacity must be a table and unpublished a list of tiers",
        "rule sets must be in the order of valid_from, one a day",
    }
    assert str(caught.value).startswith("mine.toml: ")


def test_a_program_without_tiers_and_rule_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramError) as caught:
        load_program(_written(tmp_path, 'label = "Mine"\nauthority = "own"\ntiers = [1]'))

    assert caught.value.problems == (
        "there must be at least one [[tiers]]",
        "there must be at least one [[rule_sets]]",
    )


def test_the_installed_config_goes_before_the_checkouts(tmp_path: Path) -> None:
    package = tmp_path / "src" / "syncworker"
    (tmp_path / "config" / "programs").mkdir(parents=True)
    assert config_dir(package) == tmp_path / "config"

    (package / "config" / "programs").mkdir(parents=True)
    assert config_dir(package) == package / "config"


def test_a_missing_config_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingConfigError, match="install the package again") as caught:
        config_dir(tmp_path / "src" / "syncworker")
    assert caught.value.looked_in[1] == tmp_path / "config"


def test_every_program_that_ships_can_be_loaded() -> None:
    names = [path.stem for path in (config_dir() / "programs").glob("*.toml")]

    assert [load_program(name).name for name in names] == names


def _written(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file

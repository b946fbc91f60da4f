"""Do our properties say all that the rules can decide, to readers of both languages?"""

from __future__ import annotations

import pytest

from syncworker.hubspot import option_words
from syncworker.hubspot.properties import PropertyNames, definitions
from syncworker.registration.rules import terms

ALL = definitions(PropertyNames(), tiers=["untiered", "gold"], hubspot_is_authority=True)


@pytest.mark.parametrize(
    ("words", "enum"),
    [
        (option_words.STATUSES, terms.Status),
        (option_words.REASONS, terms.Reason),
        (option_words.SOURCES, terms.Source),
        (option_words.CONFIRMATIONS, terms.Confirmation),
        (option_words.ACTIONS, terms.Action),
    ],
)
def test_the_options_are_the_values_of_the_rules(words, enum):
    assert [word.value for word in words] == [str(one) for one in enum]


def test_every_property_and_option_is_described_in_both_languages():
    for definition in [one for kind in ALL.values() for one in kind]:
        for described in (definition, *definition.options):
            english, swedish = described.description.split(" / ")
            assert english
            assert swedish
            assert english != swedish
            assert described.label


def test_the_properties_are_those_of_the_design():
    both = {
        "partner_registration_status",
        "partner_registration_reason",
        "partner_registration_detail",
        "partner_registered_domain",
        "partner_registered_on",
        "partner_registration_expires_on",
        "partner_registration_confirmed",
    }
    assert {one.name for one in ALL["contact"]} == both | {
        "partner_registration_source",
        "partner_registration_request",
    }
    assert {one.name for one in ALL["company"]} == both | {
        "partner_tier",
        "partner_capacity_limit",
        "partner_capacity_used",
    }


def test_a_confirmation_is_only_shown_where_hubspot_is_the_authority():
    own = definitions(PropertyNames(), tiers=["gold"], hubspot_is_authority=False)
    assert "partner_registration_confirmed" not in {one.name for kind in own.values() for one in kind}


def test_names_and_tiers_are_what_the_settings_say():
    names = PropertyNames(status="lead_state")
    chosen = definitions(names, tiers=["elite_plus"], hubspot_is_authority=False)
    assert chosen["contact"][0].name == "lead_state"
    (tier,) = [one for one in chosen["company"] if one.name == "partner_tier"]
    assert [(one.value, one.label) for one in tier.options] == [("elite_plus", "Elite plus")]

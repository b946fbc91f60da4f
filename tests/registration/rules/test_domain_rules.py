"""Are the lists of shared platforms and free-mail providers sound, and are mistakes in them named?"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncworker.registration.rules.domain_rules import (
    SharedPlatformsError,
    domain_rules,
    load_domain_rules,
)


def test_the_lists_are_loaded_once() -> None:
    assert domain_rules() is domain_rules()


def test_the_list_of_shared_platforms_names_those_that_people_enter_most() -> None:
    social = "linkedin.com facebook.com instagram.com x.com twitter.com youtube.com tiktok.com"
    sites = "wixsite.com wordpress.com blogspot.com squarespace.com github.io myshopify.com sites.google.com"
    links = "linktr.ee bit.ly t.co"

    assert {*social.split(), *sites.split(), *links.split()} <= domain_rules().shared
    assert len(domain_rules().shared) >= 150


def test_no_entry_shadows_a_real_ending() -> None:
    # An entry `com` or `co.uk` would refuse half the world.
    rules = domain_rules()
    icann_like = {"com", "co.uk", "se", "uk.com", "us.com", "eu.com", "za.com", "com.se", "de.com"}

    assert not icann_like & (rules.shared | rules.free_mail)


def test_a_list_can_add_to_and_take_from_the_free_mail_providers(tmp_path: Path) -> None:
    rules = load_domain_rules(
        _written(tmp_path, 'a = ["b.se"]\nfree_mail_also = ["c.se"]\nfree_mail_not = ["gmail.com"]')
    )

    assert rules.shared == {"b.se"}
    assert "c.se" in rules.free_mail
    assert "gmail.com" not in rules.free_mail
    assert "hotmail.com" in rules.free_mail


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = 'a = ["Acme.com", "acme", 7, "å.se", "https://b.se", ".c.se", "fine.se"]\nb = "c.se"'
    with pytest.raises(SharedPlatformsError) as caught:
        load_domain_rules(_written(tmp_path, text))

    assert caught.value.problems == (
        *(
            f"a: {entry} is not a domain in lower case, as A-labels"
            for entry in ("'Acme.com'", "'acme'", "7", "'å.se'", "'https://b.se'", "'.c.se'")
        ),
        "b must be a list of domains",
    )


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(SharedPlatformsError, match="cannot be read: No such file"):
        load_domain_rules(tmp_path / "nowhere.toml")
    with pytest.raises(SharedPlatformsError, match="is not TOML"):
        load_domain_rules(_written(tmp_path, "a = ["))


def _written(folder: Path, text: str) -> Path:
    file = folder / "shared-platforms.toml"
    file.write_text(text, encoding="utf-8")
    return file

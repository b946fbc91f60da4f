"""An operator sees the portal's forms, what one would have done, and switches it: over HTTP, with HubSpot there."""

from __future__ import annotations

from sqlalchemy import text

from support.rig import Rig
from syncworker.access.roles import Role
from syncworker.sync.lists.form_list import form_lines, names
from syncworker.sync.portals.form_switch import keep_names, switch_form
from syncworker.web.app import create_app
from web.serving import serving
from web.signed_in import signed_in

FORMS = "/operations/forms"


def test_a_form_is_tried_on_the_last_days_switched_on_and_off(rig: Rig) -> None:
    switch_form(rig.context, rig.hub, rig.form, on=False, who="t")
    rig.submit("ada@fjordline-tools.se")
    with (
        serving(create_app(context=rig.context)) as client,
        signed_in(client.base_url, rig.context, Role.OPERATOR, portals=[rig.hub]) as operator,
        signed_in(client.base_url, rig.context, Role.MANAGER, portals=[rig.hub]) as manager,
    ):
        page = operator.get(FORMS).text
        assert "Newsletter" in page
        assert f'href="{FORMS}/{rig.form}/trial"' in page
        trial = operator.get(f"{FORMS}/{rig.form}/trial", headers={"hx-request": "true", "hx-target": "dialog"}).text
        assert "1 submission." in trial
        assert "Switch it on" in trial
        assert "<html" not in trial
        assert "<html" in operator.get(f"{FORMS}/{rig.form}/trial").text
        switch = {"csrf": operator.token(FORMS), "form": rig.form, "on": "1"}
        on = operator.post(f"{FORMS}/switch", data=switch)
        assert "registers leads from now on" in operator.get(on.headers["location"]).text
        operator.submit(f"{FORMS}/switch", on=FORMS, form=rig.form)
        assert all(line.enabled_at is None for line in form_lines(rig.context, rig.hub))
        assert operator.submit(f"{FORMS}/switch", on=FORMS, form="no-such-form").status_code == 404
        assert operator.submit(f"{FORMS}/switch", on=FORMS, form="../x").status_code == 422
        assert "not in HubSpot any more" in operator.get(f"{FORMS}/no-such-form/trial").text
        api = "/api/v1/forms"
        token = {"x-csrf-token": operator.token(FORMS), "accept": "*/*"}
        assert operator.get(f"{api}/{rig.form}/trial").json()["registered"] == 1
        assert operator.post(f"{api}/{rig.form}/enable", headers=token).json()["changed"] is True
        assert [form["id"] for form in operator.get(api).json()["items"] if form["enabled_at"]] == [rig.form]
        assert operator.post(f"{api}/{rig.form}/disable", headers=token).json()["changed"] is True
        # A form is of the portal whose token finds it in HubSpot: another's is as if it was not
        assert operator.post(f"{api}/no-such-form/enable", headers=token).status_code == 404
        assert operator.get(f"{api}/no-such-form/trial").status_code == 404
        did = operator.get("/api/v1/history").json()["items"]
        assert [(one["event"], one["source"]) for one in did][:2] == [("form_disabled", "api"), ("form_enabled", "api")]
        assert manager.get(api).status_code == 403
        assert manager.get(FORMS).status_code == 403
        assert manager.get(f"{FORMS}/{rig.form}/trial").status_code == 403


def test_a_form_that_settings_enabled_is_called_by_its_name_as_soon_as_hubspot_tells_it(rig: Rig) -> None:
    def kept() -> dict[str, str]:
        return rig.context.database.run(lambda tx: names(tx, rig.hub))

    # Given it was connected while HubSpot did not answer
    called = next(form["name"] for form in rig.portals[0]["forms"] if form["id"] == rig.form)
    assert kept() == {rig.form: called}
    rig.context.database.run(lambda tx: tx.connection.execute(text("UPDATE forms SET name = ''")))
    rig.sandbox.faults(http={"429_daily": 1.0})
    keep_names(rig.context, rig.hub)
    assert kept() == {rig.form: ""}
    # When HubSpot is there again
    rig.sandbox.faults()
    rig.sandbox.reset_stats()
    keep_names(rig.context, rig.hub)
    keep_names(rig.context, rig.hub)
    # I expect its name, asked for once
    assert kept() == {rig.form: called}
    assert sum(rig.sandbox.calls().values()) == 1

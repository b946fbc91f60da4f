"""Is each record that the ledger knows looked at again within a day?"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from support.rig import Rig
from sync.test_triggers import registered
from syncworker.sync.triggers import daily


def test_every_record_the_ledger_knows_is_looked_at_once_a_day(rig: Rig) -> None:
    registered(rig)
    assert daily.look(rig.context) == 0
    rig.pass_time(hours=21)
    assert daily.look(rig.context) == 2


def test_however_many_were_last_looked_at_together_each_is_looked_at_again_within_a_day(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given records that were all looked at at once, more than one transaction marks
    monkeypatch.setattr(daily, "BATCH", 90)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(
            text("""
                INSERT INTO records (hub_id, kind, object_id, presence, reconciled_at)
                SELECT :hub_id, 'contact', n::text, 'live', CAST(:now AS timestamptz) FROM generate_series(1, 1000) AS n
            """),
            {"hub_id": rig.hub, "now": tx.now},
        )
    looked_at = []
    for _ in range(24):
        rig.pass_time(hours=1)
        looked_at.append(daily.look(rig.context))
        with rig.context.database.transaction() as tx:
            tx.connection.execute(
                text("""
                    UPDATE records AS r SET reconciled_at = CAST(:now AS timestamptz) FROM marks AS m
                     WHERE m.hub_id = r.hub_id AND m.kind = r.kind AND m.object_id = r.object_id
                """),
                {"now": tx.now},
            )
            tx.connection.execute(text("DELETE FROM marks"))
    # I expect a quarter of them in each of the last four hours
    assert looked_at == [0] * 19 + [250] * 4 + [0]

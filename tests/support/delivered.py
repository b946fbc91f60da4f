"""How do webhooks come into the inbox where no web process runs?"""

from __future__ import annotations

from collections.abc import Sequence

from syncworker.store.database import Database
from syncworker.sync.triggers import inbox


def delivered(database: Database, rows: Sequence[str]) -> None:
    """Keep these rows as the web process does, and commit."""
    with database.transaction() as tx:
        tx.connection.exec_driver_sql(inbox.STORE, {"rows": inbox.together(rows)})

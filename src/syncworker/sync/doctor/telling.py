"""Can those be told who want to be told?"""

from __future__ import annotations

from syncworker.settings import PREFIX, Settings
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.doctor.finding import Finding, fine, problem
from syncworker.sync.notices.kinds import Channel
from syncworker.sync.notices.switches import switches
from syncworker.sync.watch.runbook import Section


def telling(tx: Tx, portal: Portal, settings: Settings) -> list[Finding]:
    """Whether what is switched on has what it needs; nothing where nobody wants to be told."""
    wanted = switches(tx, portal.hub_id)
    if not wanted:
        return []
    by_email = {one.email for one in wanted if one.channel is Channel.EMAIL}
    if by_email and (settings.smtp_host is None or settings.mail_from is None):
        said = f"{len(by_email)} want to be told by email, and there is no mail server"
        what = f"set {PREFIX}SMTP_HOST and {PREFIX}MAIL_FROM"
        return [problem(portal.hub_id, "notices", said, what, Section.NOTICE)]
    return [fine(portal.hub_id, "notices", f"{len({one.email for one in wanted})} are told")]

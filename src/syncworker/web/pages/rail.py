"""Which pages are there to go to?

A page that is there says so here; the rail shows what there is to whoever may see it, and so no dead link.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncworker.access.roles import Role
from syncworker.languages import to_translate


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An entry of the rail."""

    title: str
    """In English; translated where it is shown."""
    path: str
    icon: str
    """A name in `templates/parts/icons.html`."""
    role: Role = Role.VIEWER
    within: str = ""
    """The beginning of the addresses it stands for, where that is not `path`."""

    def holds(self, path: str) -> bool:
        """Whether the page at this address belongs to it."""
        begin = self.within or self.path
        return path == begin or path.startswith(begin.rstrip("/") + "/")


# In the order of the rail. A section is added with its page.
SECTIONS: tuple[Section, ...] = (
    Section(title=to_translate("Capacity"), path="/capacity", icon="gauge"),
    Section(title=to_translate("Leads"), path="/leads/registered", icon="people", within="/leads"),
    Section(title=to_translate("Register"), path="/register", icon="plus", role=Role.MANAGER),
    Section(title=to_translate("Operations"), path="/operations", icon="pulse", role=Role.OPERATOR),
)  # fmt: skip


def shown(role: Role) -> Iterable[Section]:
    """The sections that somebody of this role may see."""
    return (section for section in SECTIONS if role.includes(section.role))

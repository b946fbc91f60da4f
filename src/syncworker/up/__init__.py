"""How does everything run on one machine, with one command?"""

from syncworker.up.session import run

__all__ = ["run"]

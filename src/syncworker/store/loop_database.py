"""How does an event loop commit to the database without a thread?

For what comes by the thousand: to hand a statement to a thread and wait for its turn of the interpreter costs more
than the statement. Everything else goes through `database.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

import psycopg

from syncworker.store.database import Database

_Connection = psycopg.AsyncConnection[tuple[object, ...]]


class LoopDatabase:
    """Connections of one event loop to a database, opened as they are needed and kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free: list[_Connection] = []

    async def once(self, statement: LiteralString, values: Mapping[str, str]) -> None:
        """Do one statement that is a transaction by itself: committed when this returns. Raises psycopg.Error.

        It must do no harm when it is done twice: that the database was restarted is noticed only in using a connection
        that was kept, and then it is done again with a new one.
        """
        if self._free:
            try:
                await self._do(self._free.pop(), statement, values)
                return
            except psycopg.OperationalError:
                # The others are as old.
                await self.close()
        await self._do(await self._connect(), statement, values)

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._free:
            await self._free.pop().close()

    async def _connect(self) -> _Connection:
        return await psycopg.AsyncConnection.connect(autocommit=True, **self._database.connect_arguments)

    async def _do(self, connection: _Connection, statement: LiteralString, values: Mapping[str, str]) -> None:
        try:
            await connection.execute(statement, values)
        except BaseException:
            # Whatever became of it: the next one need not find out.
            await connection.close()
            raise
        self._free.append(connection)

"""A `syncworker up` with the real PostgreSQL and Valkey, and small processes in place of our own."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping

from syncworker.settings import Settings, load
from syncworker.up import plan, run
from syncworker.up.attended import Process
from syncworker.up.data_folder import DataFolder
from syncworker.up.guarded import Command
from syncworker.up.plan import Plan

PREPARE = """
import os, time
from syncworker.up import postgres
while not postgres.accepts(os.environ["SYNCWORKER_DATABASE_URL"]):
    time.sleep(0.02)
raise SystemExit(int(os.environ.get("PREPARE_EXIT", "0")))
"""
WORKER = """
import os, redis, signal
if os.environ.get("WORKER_STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for number in range(2):
    if not os.fork():
        client = redis.Redis.from_url(os.environ["SYNCWORKER_REDIS_URL"])
        client.zadd("dramatiq:__heartbeats__", {str(os.getpid()): 1})
        signal.pause()
while True:
    signal.pause()
"""
WEB = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["SYNCWORKER_PORT"])), Handler).serve_forever()
"""


def small(process: Process, program: str, environment: Mapping[str, str] | None) -> Process:
    """Return the process with another program."""
    command = Command(argv=(sys.executable, "-c", program), env=environment)
    return dataclasses.replace(process, command=command)


def make(settings: Settings, folder: DataFolder, /, *, worker_processes: int) -> Plan:
    """Return the plan as it is, but for the programs."""
    made = plan.make(settings, folder, worker_processes=worker_processes)
    environment = made.worker.command.env
    return dataclasses.replace(
        made,
        preparation=small(made.preparation, PREPARE, environment),
        worker=small(made.worker, WORKER, environment),
        web=small(made.web, WEB, environment),
        scheduler=small(made.scheduler, "import signal; signal.pause()", environment),
    )


if __name__ == "__main__":
    os.environ["SYNCWORKER_HUBSPOT_ACCESS_TOKEN"] = "pat-test"  # so that no sandbox is started
    sys.exit(run(load(), make=make))

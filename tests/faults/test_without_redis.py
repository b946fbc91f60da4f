"""Does a worker serve while there is no Redis at all, and end when the process that started it is killed?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from support.processes import eventually
from support.rig import LEAD, SECRET_KEY, Rig
from support.sandbox_server import SandboxServer, free_port


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_form_is_registered_though_redis_never_answers(tmp_path: Path, database_url: str) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        rig = Rig(sandbox, database_url, nowhere, poll_seconds=1)
        environment = {
            **os.environ,
            "SYNCWORKER_DATABASE_URL": database_url,
            "SYNCWORKER_REDIS_URL": nowhere,
            "SYNCWORKER_SECRET_KEY": SECRET_KEY,
            "SYNCWORKER_HUBSPOT_BASE_URL": sandbox.base_url,
            "SYNCWORKER_POLL_SECONDS": "1",
            "SYNCWORKER_DATA_DIR": str(tmp_path),
        }
        command = [sys.executable, "-m", "dramatiq", "actors", "--processes", "1", "--threads", "2"]
        with (tmp_path / "worker.log").open("wb") as log:
            worker = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
        try:
            sandbox.submit(rig.form, rig.hub, **{**LEAD, "email": "ada@fjordline-tools.se"})
            eventually(
                lambda: rig.status("ada@fjordline-tools.se")[0] == "registered", seconds=60, what="a registration"
            )
            serving = psutil.Process(worker.pid).children(recursive=True)
            worker.kill()
            eventually(lambda: not any(map(_runs, serving)), seconds=60, what="the end of a worker without a master")
        finally:
            worker.kill()
            worker.wait(30)
            rig.close()

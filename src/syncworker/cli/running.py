"""How is something started: all of it, the web process, the sandbox, the newest schema?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncworker.cli import output
from syncworker.cli.options import RUNNING, JsonOption


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up", rich_help_panel=RUNNING)(up)
    app.command("web", rich_help_panel=RUNNING)(web)
    app.command("sandbox", rich_help_panel=RUNNING)(sandbox)
    app.command("migrate", rich_help_panel=RUNNING)(migrate)


def up(
    worker_processes: Annotated[
        int, typer.Option("--worker-processes", min=1, max=64, help="How many worker processes.")
    ] = 2,
) -> None:
    """Run everything on this machine, until Ctrl-C.

    Starts PostgreSQL, Valkey and a HubSpot sandbox where no setting says otherwise, then web, worker and
    scheduler; starts again what dies; keeps its data in SYNCWORKER_DATA_DIR. With a HubSpot token in .env
    it is the real thing.
    """
    from syncworker import up as everything
    from syncworker.settings import load

    raise typer.Exit(everything.run(load(), worker_processes=worker_processes))


def web(
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 for all of this machine's.")
    ] = "127.0.0.1",
) -> None:
    """Serve webhooks, health, metrics and the operator API on SYNCWORKER_PORT."""
    import uvicorn

    from syncworker import logs
    from syncworker.settings import load

    settings = load()
    logs.configure()
    uvicorn.run(
        "syncworker.web.app:create_app",
        factory=True,
        host=host,
        port=settings.port,
        http="httptools",
        loop="uvloop",
        ws="none",
        access_log=False,  # one line a webhook would be most of the log
        log_config=None,  # the process logs in one way
        server_header=False,
        # HubSpot gives a delivery five seconds (webhooks guide): none that was accepted takes longer.
        timeout_graceful_shutdown=5,
    )


def sandbox(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where to listen; else SYNCWORKER_SANDBOX_PORT.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Where the data is kept; else SYNCWORKER_DATA_DIR/sandbox."),
    ] = None,
    webhook_url: Annotated[
        str | None, typer.Option(help="Where the demo's portals send their webhooks; else as it was.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Begin with empty portals.")] = False,
) -> None:
    """Run a HubSpot on this machine, alone: for whoever builds on HubSpot. Its page shows the CRM."""
    from syncworker.sandbox.serve import serve
    from syncworker.settings import load

    settings = load()
    listens_at = port or settings.sandbox_port
    folder = data or settings.data_dir / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    output.note(f"the sandbox is at http://127.0.0.1:{listens_at}/ (Ctrl-C stops it)")
    serve(host="127.0.0.1", port=listens_at, data_dir=folder, webhook_url=webhook_url, reset=reset)


def migrate(as_json: JsonOption = False) -> None:
    """Bring the database to the newest schema, and connect the portal of the settings if none is connected.

    Safe to run again, and by several machines at once. Run it before a new version's processes start.
    """
    from syncworker.settings import load
    from syncworker.store import migrate as schema
    from syncworker.sync.portals.first_portal import connect_first

    settings = load()
    settings.require("database_url")
    schema.upgrade(str(settings.database_url))
    portal = connect_first(settings)
    document = {"revision": schema.newest(), "portal": portal.hub_id if portal else None}

    def people() -> None:
        output.say(f"The schema is at revision {document['revision']}.", style="green")
        if portal is not None:
            output.say(f"Portal {portal.hub_id} is connected, in mode {portal.mode}.")

    output.show(document, as_json=as_json, people=people)

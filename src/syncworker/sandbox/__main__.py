"""How is the sandbox started on its own? `python -m syncworker.sandbox --port 8100 --data DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

from syncworker.sandbox.serve import serve


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m syncworker.sandbox", description="A HubSpot on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--data", type=Path, default=Path(".syncworker/sandbox"), help="where the data is kept")
    parser.add_argument("--webhook-url", default=None, help="where the demo's portals send their webhooks")
    parser.add_argument("--reset", action="store_true", help="begin with empty portals")
    given = parser.parse_args()
    serve(
        host=given.host,
        port=given.port,
        data_dir=given.data,
        webhook_url=given.webhook_url,
        reset=given.reset,
    )


if __name__ == "__main__":
    main()

"""What does a person type? The `syncworker` command: every command parses, calls one function, and shows."""

from __future__ import annotations


def main() -> None:
    """Run the command line of this process, and end it with an exit code."""
    from syncworker.cli.app import app

    app(prog_name="syncworker")

"""How is the command line started where its script is not on the path? `python -m syncworker.cli`."""

from syncworker.cli import main

main()

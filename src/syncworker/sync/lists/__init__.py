"""What there is to see, for pages, the API and the command line. Read-only."""

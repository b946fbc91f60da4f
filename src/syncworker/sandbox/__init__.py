"""A HubSpot on this machine: for the first run, the tests and anyone who builds on HubSpot."""

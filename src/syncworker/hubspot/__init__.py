"""Everything that knows HubSpot."""

"""Everything that knows HubSpot: what it is asked, what it answers, and what it sends."""

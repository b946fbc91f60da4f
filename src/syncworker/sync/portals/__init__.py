"""HubSpot accounts: connected, prepared, paused, blocked; and what was registered there before us."""

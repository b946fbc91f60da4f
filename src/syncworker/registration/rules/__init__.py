"""What may be registered, and why not? Pure rules: no HubSpot, no SQL, no Redis, no clock."""

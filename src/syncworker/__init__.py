"""Keeps a HubSpot portal and a partner's lead registrations true to each other."""

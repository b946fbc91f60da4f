"""A ledger that is older than the CRM, or empty, brought to what the CRM has heard since."""

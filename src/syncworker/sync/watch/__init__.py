"""Whether all is well: metrics, clocks, the audit of ledger against CRM, the runbook."""

"""From a claimed batch to what the CRM shows: read, decide and commit, write back what differs."""

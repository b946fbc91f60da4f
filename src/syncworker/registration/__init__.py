"""The rules of lead registration, and the ledger that keeps what they led to."""

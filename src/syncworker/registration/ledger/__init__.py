"""The ledger: registrations, requests, holds, and the history of what happened to them. Row locks: partner first."""

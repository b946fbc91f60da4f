"""The operator API, under `/api/v1`."""

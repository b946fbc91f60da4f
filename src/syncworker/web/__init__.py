"""HTTP: the webhook endpoint and the operator API."""

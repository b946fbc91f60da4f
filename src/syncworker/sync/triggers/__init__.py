"""What makes marks and requests: webhooks, polls, form submissions, the CRM, the passing of time."""

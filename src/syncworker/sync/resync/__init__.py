"""Many records looked at again at a person's word, page by page."""

"""Being told: what happened, or is so, that somebody wants to hear of without looking."""

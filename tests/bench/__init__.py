"""Figures, each beside its floor or its target."""

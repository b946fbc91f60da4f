"""Persons, and how they are erased."""

"""The one path: mark, reconcile, write back; and the triggers that mark."""

"""What remains true when everything breaks? `python -m faults --seed N` breaks it, and looks."""

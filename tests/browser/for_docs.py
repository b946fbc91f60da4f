"""Which of the pictures of `make screens` stand in README and docs/pages.md? `python -m browser.for_docs` takes them.

What a window shows and not the whole page, in few colours: each is small, and is looked at on a page beside words.
Pillow, which does it, comes with matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from browser.screens import FOLDER

DOCS = Path("docs")
# Name there, name here, height that is kept.
_TAKEN = (
    ("pages-capacity", "capacity-en-1440-light", 900),
    ("pages-pending", "leads-pending-en-1440-light", 760),
    ("pages-lead", "lead-drifted-en-1440-light", 900),
    ("pages-operations", "operations-en-1440-dark", 700),
    ("pages-phone", "leads-expiring-en-390-light", 844),
)
_COLOURS = 128


def main() -> int:
    """Take them over."""
    for name, picture, height in _TAKEN:
        with Image.open(FOLDER / f"{picture}.png") as whole:
            cut = whole.convert("RGB").crop((0, 0, whole.width, min(height, whole.height)))
        few = cut.quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(DOCS / f"{name}.png", optimize=True)
        print(f"{name}.png: {(DOCS / f'{name}.png').stat().st_size / 1000:.0f} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

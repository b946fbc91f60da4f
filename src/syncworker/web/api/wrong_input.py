"""What does the API say of a request that cannot be used as it came?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# As pydantic quotes what a Literal allows: an enumeration's member with its name in Python, and Python's own constants.
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
_CONSTANTS = {"True": "true", "False": "false", "None": "null"}
_CONSTANT = re.compile(r"\b(?:True|False|None)\b")


# Any: as pydantic tells its errors.
def wrong_input(problems: Iterable[Mapping[str, Any]]) -> str:
    """Where it is wrong, and what could stand there, each once: two that ask for a parameter find the same."""
    said = (f"{' '.join(str(part) for part in problem['loc'])}: {_words(problem)}" for problem in problems)
    return "; ".join(dict.fromkeys(said))


def _words(problem: Mapping[str, Any]) -> str:
    words: str = problem["msg"].removeprefix("Value error, ")
    if problem["type"] != "literal_error":
        return words
    return _CONSTANT.sub(lambda found: _CONSTANTS[found[0]], _MEMBER.sub(r"\1", words))

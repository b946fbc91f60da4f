"""Which rules do all partners play by? Tiers, capacities, validity: dated rule sets out of `config/`."""

from syncworker.program.config_dir import MissingConfigError, config_dir
from syncworker.program.load import DEFAULT_PROGRAM, ProgramError, load_program
from syncworker.program.model import (
    Authority,
    CapacityRule,
    NoCapacityError,
    Program,
    RuleSet,
    Tier,
    UnknownTierError,
    Validity,
)

NO_TERMS = (ProgramError, UnknownTierError, NoCapacityError)
"""What a partner's tier or program that is not there is met with: a mistake in that partner's settings."""

__all__ = [
    "DEFAULT_PROGRAM",
    "NO_TERMS",
    "Authority",
    "CapacityRule",
    "MissingConfigError",
    "NoCapacityError",
    "Program",
    "ProgramError",
    "RuleSet",
    "Tier",
    "UnknownTierError",
    "Validity",
    "config_dir",
    "load_program",
]

"""The partner program: tiers, capacities, validity; dated rule sets read from `config/`."""

"""How is the sandbox itself steered: portals, faults, seeds, and what a CRM user does by hand?"""

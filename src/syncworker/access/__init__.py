"""Who may come in, and as what? Users and roles, passwords, sessions, links that sign in once, attempts. No HTTP."""

"""Who may come in, what each may do, and who did what: users, members of tenants, one-time addresses."""

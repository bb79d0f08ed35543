"""The nemesis kit: real daemons, a durable PostgreSQL, a target with a ledger of its own, and whatever can go wrong."""

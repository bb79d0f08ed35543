"""SQL, and nothing but SQL: one module with its ``.sql`` file per noun; the caller owns the transaction."""

"""A console over sample data: what its pages show without a daemon behind them."""

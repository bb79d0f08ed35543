"""One module per noun: its pages and the acts that start there."""

"""The demo organisation: its people, its targets and the drift planted in them."""

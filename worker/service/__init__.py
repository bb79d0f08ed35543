"""Assembly: what a daemon is made of, how it starts and stops, the embedded database, the demo organisation."""

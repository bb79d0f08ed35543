"""The web console: server-rendered pages over the reads and acts it is given."""

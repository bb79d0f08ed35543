"""Values and decisions without I/O: what everything else agrees on."""

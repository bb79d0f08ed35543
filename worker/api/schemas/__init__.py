"""Bodies of requests and answers; converted to our own values at the edge."""

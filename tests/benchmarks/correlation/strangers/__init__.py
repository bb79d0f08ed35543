"""Organisations by somebody else: other names, other columns, other troubles, every one with shares of its own.

Nothing here is shared with ``company.py``: rules and weights that only suit that one are found out.
"""

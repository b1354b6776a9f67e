"""Policies on traces with changing server load: exactly, and on the real clock."""

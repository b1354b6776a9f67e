"""Estimators of links and of load, each against the truth."""

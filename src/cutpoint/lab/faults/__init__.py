"""What happens when things fail: campaigns that kill, freeze, cut off, slow and swap servers.

Each module with a `run_...` function is one campaign: it makes the fault happen to real
processes and links, and gives what was measured. The tests run small ones, `make soak` the
full ones, and ``docs/make_faults.py`` writes their report.
"""

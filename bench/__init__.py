"""Measurements that anybody can repeat: against peers, in one run, as ratios."""

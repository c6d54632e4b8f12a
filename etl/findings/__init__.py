"""Findings: what the rules say of a sender's file, to the cell, and the one catalogue of their codes."""

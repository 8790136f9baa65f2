"""Pairs, degradations with published protocols, readers, and the seeded task mixture."""

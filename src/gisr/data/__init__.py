"""Pairs, their normalisation, degradations with published protocols, and synthetic scenes."""

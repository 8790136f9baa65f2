"""Blocks that several published networks share."""

"""Blocks that several compared networks share."""

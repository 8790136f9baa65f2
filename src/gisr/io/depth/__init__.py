"""Depth maps in every format in use, cameras, and point clouds."""

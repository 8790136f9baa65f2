<<<<<<< HEAD
"""Blocks that several published networks share."""
=======
"""Blocks that several compared networks share."""
>>>>>>> mr-systems

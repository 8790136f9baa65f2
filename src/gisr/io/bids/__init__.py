"""Data sets in the Brain Imaging Data Structure (BIDS): names, anatomical images, derivatives."""

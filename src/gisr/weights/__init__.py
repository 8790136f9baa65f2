"""Folders of weights: safetensors, config and descriptions; load, save, convert."""

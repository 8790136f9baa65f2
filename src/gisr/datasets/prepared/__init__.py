"""Stores of arrays that training reads by windows, checked by sha256."""

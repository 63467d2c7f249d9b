"""Whole calls with the truth of every draft field: texts (script, places), sound (sound), comparing (compare)."""

"""The queue in figures: formulas, quarter-hour rollups, live figures, and the calls behind each number."""

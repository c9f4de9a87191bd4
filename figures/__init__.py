"""Drawings that are too long for a cell of a chapter, and the style in which a run draws all figures."""

"""Unit tests, chapters run small through papermill, the site in a real browser."""

"""This code beside the plain per-pixel program and beside other libraries, all in one run."""

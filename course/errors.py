"""The one exception that means: tell the user this line, and stop."""


class CourseError(Exception):
    """A problem that the user can act on; its text is one line: what, where, and what to do."""

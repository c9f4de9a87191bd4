"""Put text of any origin into Markdown, so that nothing in it is read as markup: a file's name, or what a file says."""

from __future__ import annotations

import re

# In code between backticks these mean nothing to Pandoc, to Quarto's shortcodes, to a table, or to the glossary's links.
SAFE = re.compile(r"[\w.,=+()/'\"-]+(?: [\w.,=+()/'\"-]+)*", re.ASCII)


def code(text: str) -> str:
    """Return a text as code in a line of Markdown.

    Parameters
    ----------
    text : str
        Any: with backticks, brackets, pipes, HTML or line breaks. What cannot be printed is shown as Python writes it: ``\\n``.
    """
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    if SAFE.fullmatch(printable):
        return f"`{printable}`"
    return f"<code>{''.join(c if c.isalnum() else f'&#{ord(c)};' for c in printable)}</code>"

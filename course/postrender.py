"""What Quarto runs after it has rendered: add to the site what Quarto has no setting for.

Steps: copy the manifest and the record to the site's root; take the chapters' run cards out of the search, where
their long lists of parameters would come before the text that explains a word.

Quarto starts this as a script, with whatever Python it finds; so it needs nothing but the standard library.
"""

from __future__ import annotations

import os
import sys

# A script's folder comes first where Python looks for modules, and this one holds a `site` and a `run`.
if __name__ == "__main__" and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):  # noqa: PTH100, PTH120
    del sys.path[0]

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Finish the site in the folder that Quarto names, and return 0."""
    site = ROOT / os.environ.get("QUARTO_PROJECT_OUTPUT_DIR", "_site")
    for name in ("manifest.json", "record.json"):
        shutil.copyfile(ROOT / "downloads" / name, site / name)
    index = site / "search.json"
    if index.is_file():
        entries = json.loads(index.read_text(encoding="utf-8"))
        kept = [entry for entry in entries if not entry["href"].endswith("#run")]
        if len(kept) < len(entries):
            index.write_text(json.dumps(kept, indent=2, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

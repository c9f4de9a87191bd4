-- Put what staging wrote where a page has an empty div that names the file: `::: {.piece file="chapters/_map.md"}`.
-- Quarto's `{{< include >}}` cannot do this: Quarto expands it when it reads the project, before its pre-render step
-- has written the file, so that rendering a fresh clone would fail. A filter runs afterwards, in both renderers.
local folder = quarto and pandoc.path.directory(quarto.doc.input_file) or "."

function Div(div)
  if not div.classes:includes("piece") then return nil end
  local name = div.attributes.file or "(no file)"
  local file = io.open(pandoc.path.join({folder, name}))
  if not file then error("course: takes in " .. name .. ", which is not there; run `course stage` first", 0) end
  local text = file:read("a")
  file:close()
  return pandoc.read(text, "markdown").blocks
end

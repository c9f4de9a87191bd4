-- What Quarto does to a page beyond Pandoc, in as far as this course uses it: numbered figures, tables and
-- equations with references to them, callouts, folded code. Whatever else it meets stops the build: an
-- unknown class would be shown without its meaning. The first walk numbers, the second refers and shows.

local KNOWN = {"lead", "strip", "step", "cards", "chapter-card", "run-card", "cell-output", "equation", "actions", "k-means"}
local CALLOUTS = {note = true, tip = true, warning = true, important = true, caution = true}
local NAMES = {fig = "Figure", tbl = "Table", eq = "Equation"}

local known = {}
for _, class in ipairs(KNOWN) do known[class] = true end
local numbers, counts = {}, {fig = 0, tbl = 0, eq = 0}
local summary, folder, fold = "Show the code", ".", "true"
local bibliography, cited = {}, false
local place = ""
local show -- the second walk; what makes several blocks of one walks the parts itself

local function stop(message)
  io.stderr:write("course: " .. place .. message .. "\n")
  os.exit(83)
end

local function html(text) return pandoc.RawBlock("html", text) end

local function escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

local function plain(blocks) return pandoc.utils.stringify(blocks) end

-- Each cell of a notebook starts with a comment that counts it, so that an error can say where.
local function cell_mark(block)
  local cell = block.text:match("^<!%-%- cell (%d+) %-%->%s*$")
  if cell then place = "cell " .. cell .. ": " end
  return cell
end

local function number(id)
  local kind = id:match("^(%a+)-")
  if not NAMES[kind] then return nil end
  if numbers[id] then stop("two things are labeled " .. id) end
  counts[kind] = counts[kind] + 1
  numbers[id] = tostring(counts[kind])
  return NAMES[kind] .. " " .. counts[kind] .. ":"
end

-- A PNG's header holds its size; with it in the page nothing moves while the picture loads.
local function png_size(path)
  local file = io.open(path, "rb")
  if not file then stop("the picture " .. path .. " is missing") end
  local head = file:read(24) or ""
  file:close()
  if #head == 24 and head:sub(2, 4) == "PNG" then return string.unpack(">I4I4", head, 17) end
end

local function captioned(caption, label)
  local inlines = pandoc.utils.blocks_to_inlines(caption)
  table.insert(inlines, 1, pandoc.Span(pandoc.Str(label), {class = "label"}))
  table.insert(inlines, 2, pandoc.Space())
  return pandoc.Plain(inlines)
end

-- A figure's div: its pictures, then its caption.
local function figure(div, label)
  local caption = div.content[#div.content]
  if #div.content < 2 or caption.t ~= "Para" or #plain(caption) == 0 then
    stop("the figure " .. div.identifier .. " has no caption: the last paragraph of its div")
  end
  local blocks = pandoc.List({html('<figure id="' .. escape(div.identifier) .. '">')})
  for i = 1, #div.content - 1 do
    if div.content[i].t == "Div" then stop("the figure " .. div.identifier .. " has parts, which this renderer does not know") end
    blocks:insert(div.content[i])
  end
  blocks:extend({html("<figcaption>"), captioned({caption}, label), html("</figcaption></figure>")})
  return blocks
end

local function callout(div, kind)
  if not CALLOUTS[kind] then stop("unknown kind of callout: " .. kind) end
  local title = div.attributes.title
  if not title and div.content[1] and div.content[1].t == "Header" then title = plain(div.content:remove(1).content) end
  title = title or (kind:gsub("^%l", string.upper))
  local blocks = pandoc.List({})
  if div.attributes.collapse == "true" then
    blocks:insert(html('<details class="callout callout-' .. kind .. '"><summary>' .. escape(title) .. "</summary>"))
    blocks:extend(div.content:walk(show))
    blocks:insert(html("</details>"))
  else
    blocks:insert(html('<div class="callout callout-' .. kind .. '" role="note" aria-label="' .. escape(title) .. '">'))
    blocks:insert(html('<p class="callout-title">' .. escape(title) .. "</p>"))
    blocks:extend(div.content:walk(show))
    blocks:insert(html("</div>"))
  end
  return blocks, false
end

local function numbered_table(block)
  for _, row in ipairs(block.head.rows) do
    for _, cell in ipairs(row.cells) do
      if plain(cell.contents) == "" then stop("a table has a column without a name; a screen reader needs one") end
    end
  end
  local label = block.identifier ~= "" and number(block.identifier)
  if label then block.caption.long = {captioned(block.caption.long, label)} end
  local name = label and label:sub(1, -2) or "Table"
  return {html('<div class="scroll" data-name="' .. escape(name) .. '">'), block, html("</div>")}
end

local function equation(id, math)
  local box = pandoc.Span({math}, {class = "scroll", ["data-name"] = "Equation"})
  if not id then return pandoc.Div({pandoc.Plain({box})}, {class = "equation"}) end
  number(id)
  local shown = pandoc.Span("(" .. numbers[id] .. ")", {class = "number"})
  return pandoc.Div({pandoc.Plain({box, shown})}, {id = id, class = "equation"})
end

local function number_block(block)
  if block.t == "RawBlock" then cell_mark(block) end
  if block.t == "Div" and block.identifier:match("^fig%-") then return figure(block, number(block.identifier)) end
  if block.t == "Div" and block.identifier:match("^tbl%-") then
    stop("a table's label belongs into its caption line, not on a div: " .. block.identifier)
  end
  if block.t == "Figure" and block.identifier:match("^fig%-") then
    local caption = pandoc.Para(pandoc.utils.blocks_to_inlines(block.caption.long))
    return figure(pandoc.Div(block.content .. {caption}, block.attr), number(block.identifier))
  end
  if block.t == "Table" then return numbered_table(block) end
  if block.t == "Para" and block.content[1] and block.content[1].t == "Math" and block.content[1].mathtype == "DisplayMath" then
    local id = plain(block.content[#block.content]):match("^{#(eq%-[%w-]+)}$")
    if id or #block.content == 1 then return equation(id, block.content[1]) end
  end
end

local function show_div(div)
  for _, class in ipairs(div.classes) do
    local kind = class:match("^callout%-(.+)$")
    if kind then return callout(div, kind) end
    if not known[class] and not class:match("^section") then stop("the renderer does not know ::: {." .. class .. "}") end
  end
end

local function show_code(block)
  if not block.classes:includes("cell-code") then return nil end
  block.classes = {"python"}
  if fold == "false" then return block end
  local open = fold == "show" and " open" or ""
  return {
    html('<details class="code"' .. open .. '><summary>' .. escape(summary) .. "</summary>"),
    block,
    html("</details>"),
  }
end

local function show_image(image)
  local alt = image.attributes["fig-alt"] or image.attributes.alt or plain(image.caption)
  if alt == "" then stop("the picture " .. image.src .. " has no alt text") end
  image.caption, image.attributes["fig-alt"] = {pandoc.Str(alt)}, nil
  image.attributes.alt = nil
  if image.attributes.width and image.attributes.height then return image end
  local width, height = png_size(folder .. "/" .. image.src)
  if not width then stop("the picture " .. image.src .. " is not a PNG, and names no width and height") end
  local shown = tonumber(image.attributes.width) or width
  image.attributes.width, image.attributes.height = tostring(shown), tostring(math.floor(shown * height / width + 0.5))
  return image
end

local function show_link(link)
  local target = link.target
  if not target:match("^%a+:") and not target:match("downloads/") then
    link.target = target:gsub("%.ipynb", ".html"):gsub("%.qmd", ".html")
  end
  return link
end

local function refer(cite)
  local shown = pandoc.List({})
  for i, citation in ipairs(cite.citations) do
    local kind, id = citation.id:match("^(%a+)-"), citation.id
    if not NAMES[kind] then
      if #shown > 0 then stop("@" .. id .. " stands in one bracket with a figure, table or equation") end
      if id ~= "*" and not bibliography[id] then stop("a citation of @" .. id .. ", which is not in the bibliography") end
      cited = true
    elseif cite.citations[1].id ~= id and #shown == 0 then
      stop("@" .. id .. " stands in one bracket with a citation")
    elseif not numbers[id] then
      stop("a reference to @" .. id .. ", which is not on this page")
    else
      local name = citation.mode == "SuppressAuthor" and "" or NAMES[kind] .. "\u{a0}"
      if i > 1 then shown:extend({pandoc.Str(","), pandoc.Space()}) end
      if #citation.prefix > 0 then shown:extend(citation.prefix .. {pandoc.Space()}) end
      shown:insert(pandoc.Link(name .. numbers[id], "#" .. id, "", {class = "reference"}))
      shown:extend(citation.suffix)
    end
  end
  if #shown > 0 then return shown, false end
end

show = {
  traverse = "topdown",
  RawBlock = function(block) if cell_mark(block) then return {} end end,
  Div = show_div, CodeBlock = show_code, Image = show_image, Link = show_link, Cite = refer,
}

function Pandoc(document)
  local function setting(name, default)
    local value = document.meta[name]
    document.meta[name] = nil
    return value and plain(value) or default
  end
  summary, folder, fold = setting("code-summary", summary), setting("source-folder", folder), setting("code-fold", fold)
  for _, entry in ipairs(document.meta.bibliography and pandoc.utils.references(document) or {}) do
    bibliography[entry.id] = true
  end
  document = document:walk({traverse = "topdown", Block = number_block})
  place = ""
  document = document:walk(show)
  if cited and not document.blocks:find_if(function(block) return block.identifier == "refs" end) then -- where citeproc puts what the page cites
    document.blocks:extend({pandoc.Header(2, "References", {id = "references"}), pandoc.Div({}, {id = "refs"})})
  end
  return document
end

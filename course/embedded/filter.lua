-- What Quarto does to a page beyond Pandoc, in as far as this course uses it: numbered figures, tables and
-- equations with references to them, callouts, folded code. Whatever else it meets stops the build: an
-- unknown class would be shown without its meaning.

local KNOWN = {"lead", "strip", "step", "cards", "chapter-card", "run-card", "cell-output", "equation"}
local CALLOUTS = {note = true, tip = true, warning = true, important = true, caution = true}
local NAMES = {fig = "Figure", tbl = "Table", eq = "Equation"}

local known = {}
for _, class in ipairs(KNOWN) do known[class] = true end
local numbers, counts, images = {}, {fig = 0, tbl = 0, eq = 0}, 0
local summary, folder = "Show the code", "."

local function stop(message)
  io.stderr:write("course: " .. message .. "\n")
  os.exit(83)
end

local function html(text) return pandoc.RawBlock("html", text) end

local function escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

local function plain(blocks) return pandoc.utils.stringify(blocks) end

local function number(id)
  local kind = id:match("^(%a+)-")
  if not NAMES[kind] then return nil end
  if numbers[id] then stop("two things are labeled " .. id) end
  counts[kind] = counts[kind] + 1
  numbers[id] = counts[kind]
  return NAMES[kind] .. " " .. counts[kind]
end

-- A PNG's header holds its size; with it in the page nothing moves while the picture loads.
local function png_size(path)
  local file = io.open(path, "rb")
  if not file then stop("the picture " .. path .. " is missing") end
  local head = file:read(24) or ""
  file:close()
  if #head < 24 then return nil end
  return string.unpack(">I4I4", head, 17)
end

local function captioned(caption, label)
  local inlines = pandoc.utils.blocks_to_inlines(caption)
  table.insert(inlines, 1, pandoc.Span(pandoc.Str(label .. ":"), {class = "label"}))
  table.insert(inlines, 2, pandoc.Space())
  return pandoc.Plain(inlines)
end

local function figure(div)
  local label = number(div.identifier)
  local blocks = pandoc.List({html('<figure id="' .. escape(div.identifier) .. '">')})
  local caption = div.content[#div.content]
  blocks:extend({table.unpack(div.content, 1, #div.content - 1)})
  blocks:insert(html("<figcaption>"))
  blocks:insert(captioned({caption}, label))
  blocks:insert(html("</figcaption></figure>"))
  return blocks
end

local function callout(div, kind)
  if not CALLOUTS[kind] then stop("unknown kind of callout: " .. kind) end
  local title = div.attributes.title or (kind:gsub("^%l", string.upper))
  local blocks = pandoc.List({})
  if div.attributes.collapse == "true" then
    blocks:insert(html('<details class="callout callout-' .. kind .. '"><summary>' .. escape(title) .. "</summary>"))
    blocks:extend(div.content)
    blocks:insert(html("</details>"))
  else
    blocks:insert(html('<div class="callout callout-' .. kind .. '" role="note" aria-label="' .. escape(title) .. '">'))
    blocks:insert(html('<p class="callout-title">' .. escape(title) .. "</p>"))
    blocks:extend(div.content)
    blocks:insert(html("</div>"))
  end
  return blocks
end

local function number_block(block)
  if block.t == "Div" and block.identifier:match("^fig%-") then return figure(block) end
  if block.t == "Table" then
    local label = block.identifier ~= "" and number(block.identifier)
    local name = label or "Table"
    if label then block.caption.long = {captioned(block.caption.long, label)} end
    return {html('<div class="scroll" role="region" tabindex="0" aria-label="' .. escape(name) .. '">'), block, html("</div>")}
  end
  if block.t == "Para" and #block.content >= 3 and block.content[1].t == "Math" then
    local id = plain(block.content[#block.content]):match("^{#(eq%-[%w-]+)}$")
    if id then
      local label = number(id)
      return pandoc.Div(
        {pandoc.Plain({block.content[1], pandoc.Span("(" .. label:match("%d+") .. ")", {class = "number"})})},
        {id = id, class = "equation"}
      )
    end
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
  return {
    html('<details class="code"><summary>' .. escape(summary) .. "</summary>"),
    block,
    html("</details>"),
  }
end

local function show_image(image)
  local alt = image.attributes["fig-alt"] or plain(image.caption)
  if alt == "" then stop("the picture " .. image.src .. " has no alt text") end
  image.caption, image.attributes["fig-alt"] = {pandoc.Str(alt)}, nil
  local width, height = png_size(folder .. "/" .. image.src)
  local shown = tonumber(image.attributes.width) or width
  image.attributes.width, image.attributes.height = tostring(shown), tostring(math.floor(shown * height / width + 0.5))
  images = images + 1
  image.attributes[images > 2 and "loading" or "decoding"] = images > 2 and "lazy" or "async"
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
  local first = cite.citations[1]
  local kind = first.id:match("^(%a+)-")
  if not NAMES[kind] then return nil end
  if not numbers[first.id] then stop("a reference to @" .. first.id .. ", which is not on this page") end
  return pandoc.Link(NAMES[kind] .. "\u{a0}" .. numbers[first.id], "#" .. first.id, "", {class = "reference"})
end

function Pandoc(document)
  summary = document.meta["code-summary"] and plain(document.meta["code-summary"]) or summary
  folder = document.meta["source-folder"] and plain(document.meta["source-folder"]) or folder
  document.meta["code-summary"], document.meta["source-folder"] = nil, nil
  document = document:walk({traverse = "topdown", Block = number_block})
  return document:walk({Div = show_div, CodeBlock = show_code, Image = show_image, Link = show_link, Cite = refer})
end

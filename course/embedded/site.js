// Theme switch, copy buttons, place on the page, search. The page reads and works without any of it.
(() => {
  const root = document.currentScript.dataset.root;
  const html = document.documentElement;

  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (html.dataset.theme ? html.dataset.theme === "dark" : system.matches);
  const name = () => (button.textContent = isDark() ? "Light theme" : "Dark theme");
  button.addEventListener("click", () => {
    html.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", html.dataset.theme); } catch { /* remembered for this page only */ }
    name();
  });
  system.addEventListener("change", name);
  name();

  const said = document.getElementById("found");
  document.querySelectorAll("div.sourceCode").forEach((block) => {
    const copy = document.createElement("button");
    copy.type = "button";
    copy.className = "copy";
    copy.textContent = "Copy";
    copy.addEventListener("click", async () => {
      const text = block.querySelector("code").innerText;
      try {
        await navigator.clipboard.writeText(text);
      } catch { // a page opened from a file may have no clipboard of that kind
        const range = document.createRange();
        range.selectNodeContents(block.querySelector("code"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      copy.textContent = "Copied";
      said.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    });
    block.append(copy);
  });

  // What is wider than its box can be reached and scrolled by keyboard; what fits is no stop on the way.
  const watch = new ResizeObserver((seen) => seen.forEach(({ target: box }) => {
    const wide = box.scrollWidth > box.clientWidth + 1;
    const marks = { tabindex: "0", role: "region", "aria-label": box.dataset.name };
    for (const [key, value] of Object.entries(marks)) wide ? box.setAttribute(key, value) : box.removeAttribute(key);
  }));
  document.querySelectorAll(".scroll, .text pre").forEach((box, i) => {
    box.dataset.name ||= "Code";
    if (!/\d$/.test(box.dataset.name)) box.dataset.name = `Wide ${box.dataset.name.toLowerCase()} ${i + 1}`;
    watch.observe(box);
  });

  // The section that is being read is marked in "on this page".
  const entries = [...document.querySelectorAll(".toc a")].map((link) => [link, document.getElementById(decodeURIComponent(link.hash.slice(1)))]);
  if (entries.length) {
    const mark = () => {
      const now = entries.filter(([, head]) => head && head.getBoundingClientRect().top < innerHeight / 3).at(-1);
      entries.forEach((entry) => (entry === now ? entry[0].setAttribute("aria-current", "true") : entry[0].removeAttribute("aria-current")));
    };
    let waiting = false;
    addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; mark(); }); } }, { passive: true });
    mark();
  }

  const input = document.getElementById("search");
  if (!input) return; // a page of its own, as `course compare` makes
  const list = document.getElementById("results");
  let at = -1;
  // The index is large, so it comes with the first look at the search.
  input.addEventListener("focus", () => {
    const index = document.createElement("script");
    index.src = `${root}assets/search.js`;
    index.onload = () => input.dispatchEvent(new Event("input"));
    document.head.append(index);
  }, { once: true });
  const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const words = () => input.value.toLowerCase().split(/\s+/).filter(Boolean);

  function find() {
    const wanted = words();
    if (!wanted.length) return [];
    const hits = [];
    for (const [url, page, section, text] of window.COURSE || []) {
      const title = `${page} ${section}`.toLowerCase();
      const body = text.toLowerCase();
      if (!wanted.every((w) => title.includes(w) || body.includes(w))) continue;
      const place = Math.max(0, body.indexOf(wanted[0]));
      const score = wanted.filter((w) => title.includes(w)).length;
      hits.push({ url, page, section, score, snippet: text.slice(Math.max(0, place - 50), place + 110) });
    }
    return hits.sort((a, b) => b.score - a.score).slice(0, 12);
  }

  function marked(text) {
    const wanted = words().map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
    return text.split(new RegExp(`(${wanted})`, "i")).map((part, i) => (i % 2 ? `<mark>${escape(part)}</mark>` : escape(part))).join("");
  }

  function choose(index) {
    at = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", i === at));
    if (at >= 0) {
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  input.addEventListener("input", () => {
    const hits = find();
    list.innerHTML = hits.map((h, i) => `<li role="option" id="hit-${i}" data-url="${escape(root + h.url)}"><b>${marked(h.section ? `${h.page}: ${h.section}` : h.page)}</b>${marked(h.snippet)}</li>`).join("");
    const open = words().length > 0 && hits.length > 0;
    list.hidden = !open;
    input.setAttribute("aria-expanded", open);
    said.textContent = words().length ? `${hits.length} found` : "";
    choose(open ? 0 : -1);
  });
  input.addEventListener("keydown", (event) => {
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "Escape") close();
    else if (count && event.key === "ArrowDown") choose((at + 1) % count);
    else if (count && event.key === "ArrowUp") choose((at - 1 + count) % count);
    else if (count && event.key === "Enter") location.href = list.children[at].dataset.url;
    else return;
    event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => {
    const item = event.target.closest("li");
    if (item) location.href = item.dataset.url;
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(input|textarea|select)$/i.test(event.target.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });
})();

// One switch for all code, links from the helpers' names, how far the reader has come. Pages read without it.
(() => {
  const script = document.currentScript;
  // The way to the site's root: the embedded renderer says it; Quarto's own scripts tell it.
  const quarto = document.querySelector('script[src*="site_libs/"]')?.getAttribute("src").split("site_libs/")[0];
  const root = script?.dataset.root ?? quarto ?? "";
  const store = {
    get(name) { try { return localStorage.getItem(name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem(name, value); } catch { /* for this page only */ } },
  };

  // Code, folded or shown: one choice for the whole site.
  const codes = [...document.querySelectorAll("details.code, details.code-fold")];
  document.querySelectorAll(".code-switch").forEach((button) => {
    const hide = (hidden) => {
      button.setAttribute("aria-pressed", hidden);
      codes.forEach((code) => (code.open = !hidden));
    };
    if (!codes.length) return void button.remove();
    button.setAttribute("aria-pressed", store.get("course-code") === "folded");
    button.addEventListener("click", () => {
      const hidden = button.getAttribute("aria-pressed") !== "true";
      const before = button.getBoundingClientRect().top;
      hide(hidden);
      scrollBy(0, button.getBoundingClientRect().top - before);
      store.set("course-code", hidden ? "folded" : "shown");
    });
  });

  // A helper's name in code leads to its documentation.
  const blocks = [...document.querySelectorAll("main code")].filter((code) => /\w\.\w/.test(code.textContent));
  function link() {
    const names = new Set(window.HELPERS);
    for (const code of blocks) {
      if (code.closest("a, h1, h2, h3")) continue;
      const texts = [];
      const walk = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) texts.push(walk.currentNode);
      for (const text of texts) {
        if (text.parentElement.closest("a, .st, .co, .ss")) continue;
        const parts = text.data.split(/\b([a-z_]+\.[A-Za-z_0-9]+)\b/);
        if (!parts.some((part, i) => i % 2 && names.has(part))) continue;
        text.replaceWith(...parts.map((part, i) => {
          if (!(i % 2) || !names.has(part)) return part;
          const to = document.createElement("a");
          to.href = `${root}chapters/helpers.html#${part}`;
          to.className = "helper";
          to.textContent = part;
          return to;
        }));
      }
    }
  }
  if (blocks.length && !location.pathname.endsWith("/helpers.html")) {
    const names = document.createElement("script");
    names.src = `${root}chapters/helpers.js`;
    names.onload = link;
    document.head.append(names);
  }

  // Where the reader is, and where they left off.
  const main = document.querySelector("main");
  const chapter = /chapters\/(\d\d-[^/]*)\.html$/.exec(location.pathname);
  if (chapter && main) {
    const bar = document.createElement("div");
    bar.className = "course-progress";
    bar.setAttribute("aria-hidden", "true");
    document.body.append(bar);
    const heads = [...main.querySelectorAll("h2")];
    let waiting = false;
    const tell = () => {
      waiting = false;
      const way = document.documentElement.scrollHeight - innerHeight;
      bar.style.transform = `scaleX(${way > 0 ? Math.min(scrollY / way, 1) : 0})`;
      if (scrollY < 200) return;
      const head = heads.filter((h) => h.getBoundingClientRect().top < innerHeight / 2).at(-1);
      const section = head?.closest("section")?.id || head?.id || "";
      const place = { url: `chapters/${chapter[1]}.html#${section}`, title: document.querySelector("h1").innerText, section: head?.innerText.trim() || "" };
      store.set("course-place", JSON.stringify(place));
    };
    addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(tell); } }, { passive: true });
    tell();
  }
  const left = document.querySelector(".continue");
  if (left) {
    try {
      const place = JSON.parse(store.get("course-place"));
      if (place && /^chapters\/[\w-]+\.html(#[\w.-]*)?$/.test(place.url)) {
        const to = document.createElement("a");
        to.href = root + place.url;
        to.textContent = place.section ? `${place.title}: ${place.section}` : place.title;
        left.append("You were reading ", to, ".");
      }
    } catch { /* nothing was kept */ }
  }
})();

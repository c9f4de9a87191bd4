// k-means by hand: the reader assigns pixels, moves centers, and watches the sum fall. Chapter 3 brings the data.
// The three functions of the method come first, as in the chapter; below them is what shows them.
(() => {
  const squared = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);

  // The number of the nearest center for each pixel; of equally near ones, the first.
  function assign(pixels, centers) {
    return pixels.map((pixel) => {
      let nearest = 0;
      centers.forEach((center, i) => { if (squared(pixel, center) < squared(pixel, centers[nearest])) nearest = i; });
      return nearest;
    });
  }

  // Each center at the mean of its pixels; one without pixels stays where it is.
  function move(pixels, labels, centers) {
    return centers.map((center, i) => {
      const own = pixels.filter((_, p) => labels[p] === i);
      return own.length ? center.map((_, c) => own.reduce((sum, pixel) => sum + pixel[c], 0) / own.length) : center;
    });
  }

  // The within-cluster sum of squares: from each pixel to the center of its cluster.
  const wcss = (pixels, labels, centers) => pixels.reduce((sum, pixel, p) => sum + squared(pixel, centers[labels[p]]), 0);

  // k different colors of the picture, drawn by a small generator of random numbers: the same for the same number.
  function start(pixels, k, number) {
    let state = (number * 2654435761 + k) >>> 0;
    const random = () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
    const chosen = new Map();
    while (chosen.size < k) {
      const pixel = pixels[Math.floor(random() * pixels.length)];
      chosen.set(pixel.join(), [...pixel]);
    }
    return [...chosen.values()];
  }

  window.kMeansByHand = { assign, move, wcss, start };

  const CHANNELS = ["red", "green", "blue"];
  const SIZE = 320, EDGE = 40; // the plane of two channels, and its margin for words
  const SHAPES = [ // a mark for each cluster, about the size of 1
    "M-.5 0a.5 .5 0 1 0 1 0a.5 .5 0 1 0 -1 0", "M-.45-.45h.9v.9h-.9z", "M0-.6L.55.4H-.55z", "M0-.62L.62 0L0 .62L-.62 0z",
    "M0 .6L.55-.4H-.55z", "M-.2-.6h.4v.4h.4v.4h-.4v.4h-.4v-.4h-.4v-.4h.4z", "M0-.6L.57-.18L.35.5H-.35L-.57-.18z", "M-.3-.55H.3L.6 0L.3.55H-.3L-.6 0z",
  ];
  const count = (n, thing) => `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;
  const short = (sum) => Math.round(sum / 1000).toLocaleString("en");

  function build(box) {
    const data = JSON.parse(box.querySelector("script[type='application/json']").textContent);
    const { pixels, rows, columns, plane, shades, best } = data;
    const [x, y] = plane;
    const ks = Object.keys(best).map(Number);
    let k, number = 1, centers, labels, steps, sums, moved; // moved: a center has, since the last assignment

    box.querySelectorAll(":scope > p").forEach((told) => told.classList.add("km-without")); // which paper shows
    const view = document.createElement("div");
    view.innerHTML = `
      <div class="km-view">
        <div class="km-pictures">
          <div><canvas width="${columns}" height="${rows}" role="img" aria-label="The small picture, ${rows} by ${columns} pixels"></canvas><span>the picture</span></div>
          <div><canvas width="${columns}" height="${rows}" role="img"></canvas><span>by its centers</span></div>
        </div>
        <svg viewBox="0 0 ${SIZE + EDGE + 8} ${SIZE + EDGE + 8}" role="group" aria-label="The pixels as points, ${CHANNELS[x]} across and ${CHANNELS[y]} up, and the centers, which can be moved">
          <g class="km-axes"></g><g class="km-points"></g><g class="km-centers"></g>
        </svg>
      </div>
      <div class="km-controls">
        <button type="button" data-do="assign">Assign</button><button type="button" data-do="move">Move</button>
        <button type="button" data-do="run">Run to the end</button><button type="button" data-do="again">Start again</button>
        <button type="button" data-do="other">Other start</button>
        <label>k <select aria-label="Number of clusters, k">${ks.map((n) => `<option>${n}</option>`).join("")}</select></label>
      </div>
      <p class="km-state" role="status"></p>
      <p class="km-sums"></p>`;
    box.prepend(view);
    const [shown, painted] = view.querySelectorAll("canvas");
    const svg = view.querySelector("svg"), state = view.querySelector(".km-state"), told = view.querySelector(".km-sums");
    const at = (value, up) => (up ? 8 + SIZE - (value / 255) * SIZE : EDGE + (value / 255) * SIZE);

    function paint(canvas, color) {
      const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
      pixels.forEach((_, p) => image.data.set([...color(p).map(Math.round), 255], 4 * p));
      context.putImageData(image, 0, 0);
    }

    function axes() {
      const ticks = [0, 100, 200].map((v) => `<text x="${at(v)}" y="${SIZE + 26}" text-anchor="middle">${v}</text><text x="${EDGE - 6}" y="${at(v, true) + 5}" text-anchor="end">${v}</text>`);
      svg.querySelector(".km-axes").innerHTML = `<path d="M${EDGE} 8V${SIZE + 8}H${SIZE + EDGE}"/>${ticks.join("")}<text x="${EDGE + SIZE / 2}" y="${SIZE + 44}" text-anchor="middle">${CHANNELS[x]}</text><text transform="translate(12 ${SIZE / 2}) rotate(-90)" text-anchor="middle">${CHANNELS[y]}</text>`;
    }

    function draw() {
      if (labels) paint(painted, (p) => centers[labels[p]]);
      else painted.getContext("2d").clearRect(0, 0, columns, rows);
      painted.setAttribute("aria-label", labels ? "The small picture, each pixel in the color of its center" : "Still blank: no pixel is assigned to a center");
      svg.querySelector(".km-points").innerHTML = pixels.map((pixel, p) => {
        const mark = labels ? labels[p] : 0;
        return `<path d="${SHAPES[mark]}" fill="${labels ? shades[mark] : "currentColor"}" transform="translate(${at(pixel[x])} ${at(pixel[y], true)}) scale(7)"/>`;
      }).join("");
      const group = svg.querySelector(".km-centers");
      while (group.children.length > k) group.lastChild.remove();
      while (group.children.length < k) group.append(handle(group.children.length));
      centers.forEach((center, i) => {
        const mark = group.children[i], place = center.map(Math.round);
        mark.style.transform = `translate(${at(center[x])}px, ${at(center[y], true)}px)`;
        mark.setAttribute("aria-valuenow", place[x]);
        mark.setAttribute("aria-valuetext", `${CHANNELS[x]} ${place[x]}, ${CHANNELS[y]} ${place[y]}`);
      });
    }

    // A center: it can be dragged, or moved by the arrow keys.
    function handle(i) {
      const mark = document.createElementNS("http://www.w3.org/2000/svg", "g");
      for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-label": `Center ${i}`, "aria-valuemin": 0, "aria-valuemax": 255 })) mark.setAttribute(name, value);
      mark.innerHTML = `<circle r="22" class="km-reach"/><path d="${SHAPES[i]}" transform="scale(27)" fill="${shades[i]}"/><text y="5" text-anchor="middle">${i}</text>`;
      const put = (across, up) => {
        centers[i] = centers[i].map((value, c) => (c === x ? Math.min(255, Math.max(0, across)) : c === y ? Math.min(255, Math.max(0, up)) : value));
        moved = true;
        draw();
        say(`Center ${i} was put at ${CHANNELS[x]} ${Math.round(centers[i][x])}, ${CHANNELS[y]} ${Math.round(centers[i][y])}. Next: assign.`);
      };
      mark.addEventListener("keydown", (event) => {
        const by = event.shiftKey ? 20 : 5;
        const [right, up] = { ArrowRight: [by, 0], ArrowLeft: [-by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] }[event.key] || [];
        if (right === undefined) return;
        event.preventDefault();
        put(centers[i][x] + right, centers[i][y] + up);
      });
      mark.addEventListener("pointerdown", (event) => {
        mark.setPointerCapture(event.pointerId);
        svg.classList.add("km-dragging");
      });
      mark.addEventListener("pointermove", (event) => {
        if (!mark.hasPointerCapture(event.pointerId)) return;
        const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
        put(((place.x - EDGE) / SIZE) * 255, ((8 + SIZE - place.y) / SIZE) * 255);
      });
      mark.addEventListener("lostpointercapture", () => svg.classList.remove("km-dragging"));
      return mark;
    }

    function say(text) {
      state.textContent = `Step ${steps}. ${text}`;
      const few = sums.slice(-10).map(short);
      told.textContent = `WCSS in thousands, step by step: ${sums.length > 10 ? "…, " : ""}${few.join(", ") || "–"}. The best known for k = ${k}: ${short(best[k])}.`;
    }

    function begin(text) {
      [centers, labels, steps, sums, moved] = [start(pixels, k, number), null, 0, [], true];
      draw();
      say(text || `Start ${number}: ${count(k, "center")} on ${k} colors of the picture. Next: assign.`);
    }

    function empty() {
      const without = centers.map((_, i) => i).filter((i) => !labels.includes(i));
      return without.length ? ` No pixel is left for center ${without.join(" and ")}: it stays where it is.` : "";
    }

    // One step; false once an assignment changes nothing.
    function step(kind) {
      const before = labels && wcss(pixels, labels, centers);
      if (kind === "assign" && !moved) {
        say("No center has moved since the pixels were assigned, so nothing can change. Next: move.");
        return true;
      }
      steps += 1;
      moved = kind === "move";
      if (kind === "assign") {
        const now = assign(pixels, centers);
        const changed = labels ? now.filter((label, p) => label !== labels[p]).length : pixels.length;
        labels = now;
        sums.push(wcss(pixels, labels, centers));
        const end = sums.at(-1), more = end / best[k] - 1;
        const told = more < 1e-9 ? "This is the best that is known" : `This lies ${more < 0.001 ? "less than 0.1" : (100 * more).toFixed(1)} % above the best that is known`;
        say(changed ? `Assign: ${before === null ? `${count(changed, "pixel")} joined a center` : `${count(changed, "pixel")} changed cluster`}.${empty()} Next: move.` : `Assign: nothing changed. The end: neither step can lower the WCSS. ${told}.${empty()}`);
        draw();
        return changed > 0;
      }
      centers = move(pixels, labels, centers);
      sums.push(wcss(pixels, labels, centers));
      say(`Move: the WCSS ${sums.at(-1) < before ? `fell from ${short(before)} to ${short(sums.at(-1))} thousand` : "stayed as it was"}.${empty()} Next: assign.`);
      draw();
      return true;
    }

    const actions = {
      assign: () => step("assign"),
      move: () => (labels ? step("move") : say("A center moves to the mean of its pixels, and no pixel has a center yet. Assign first.")),
      run: () => {
        if (labels && !moved) step("move");
        while (step("assign")) step("move");
      },
      again: () => begin(),
      other: () => { number += 1; begin(); },
    };
    view.querySelector(".km-controls").addEventListener("click", (event) => actions[event.target.dataset.do]?.());
    const choice = view.querySelector("select");
    choice.value = data.k;
    choice.addEventListener("change", () => { k = Number(choice.value); begin(); });
    k = Number(choice.value);
    paint(shown, (p) => pixels[p]);
    axes();
    begin();
  }

  document.querySelectorAll(".k-means").forEach(build);
})();

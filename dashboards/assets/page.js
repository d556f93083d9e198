// The page's choices. Every figure is drawn already (dashboards/drawing.py says what its `meta` means): this script shows
// one of the variants of each slot, hides and shows its traces, moves what is read against the baseline, and keeps what
// was chosen in the address. Texts from a study only ever become text, never HTML.
(async function () {
  "use strict";

  const page = await unpacked(document.getElementById("page-data").textContent);
  const NARROW = 640;
  const LINE = 16, GAP = 4;
  const state = {};
  const lists = ["hide", "fill"];
  const free = ["trial", "theme", "figure", "page"];

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // State and address

  function opening() {
    const fresh = {hide: [], fill: null, trial: "", theme: "", figure: "", page: ""};
    for (const [name, choice] of Object.entries(page.choices)) fresh[name] = choice.default;
    return fresh;
  }

  function fromAddress() {
    const text = location.hash.slice(1);
    const given = new URLSearchParams(text && !text.includes("=") ? "page=" + text : text);
    const read = opening();
    const figure = page.figures[given.get("figure")];
    if (figure) [read.train, read.test] = figure;
    for (const [name, value] of given) {
      const choice = page.choices[name];
      if (choice && choice.values.includes(value)) read[name] = value;
      else if (lists.includes(name)) read[name] = value ? value.split("|") : [];
      else if (name === "trial" && page.trials[value]) read.trial = value;
      else if (name === "theme" && ["dark", "light"].includes(value)) read.theme = value;
      else if (name === "figure" && figure) read.figure = value;
      else if (name === "page") read.page = value;
    }
    return read;
  }

  function address(changes) {
    const told = Object.assign({}, state, changes);
    const plain = opening();
    const parts = new URLSearchParams();
    for (const name of Object.keys(page.choices)) {
      if (told[name] !== plain[name] || name === "train" || name === "test") parts.set(name, told[name]);
    }
    if (told.hide.length) parts.set("hide", told.hide.join("|"));
    if (told.fill !== null) parts.set("fill", told.fill.join("|"));
    for (const name of free) if (told[name]) parts.set(name, told[name]);
    return "#" + parts.toString();
  }

  function choose(changes) {
    if (("train" in changes || "test" in changes) && !("figure" in changes)) changes.figure = "";
    if ("train" in changes || "test" in changes) changes = Object.assign({fill: null, page: ""}, changes);
    Object.assign(state, changes);
    remember();
    showAll();
  }

  function remember() {
    try {
      history.replaceState(null, "", address({}));
    } catch (refused) {
      // A frame without an address of its own, as MLflow shows pages in: what is chosen lasts as long as the frame.
    }
  }

  // What a trace's meta says

  function agrees(wanted) {
    return Object.entries(wanted).every(([name, value]) => state[name] === value);
  }

  function isHidden(meta) {
    return state.hide.includes(meta.name) || state.hide.includes(meta.label);
  }

  function isVisible(trace, variant) {
    const meta = trace.meta || {};
    if (meta.follow !== undefined) return meta.follow === state.trial;
    if (isHidden(meta)) return false;
    if (meta.fill && !(state.fill || variant.filled).includes(meta.name)) return false;
    const shows = meta.show === undefined ? [{}] : Array.isArray(meta.show) ? meta.show : [meta.show];
    return shows.some(agrees);
  }

  // From a drawing to what is on the screen

  function recoloured(value) {
    if (typeof value === "string") return page.dark[value] || value;
    if (Array.isArray(value)) return value.map(recoloured);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, recoloured(inner)]));
    }
    return value;
  }

  function isDark() {
    if (state.theme) return state.theme === "dark";
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function shown(variant, width) {
    const made = JSON.parse(JSON.stringify(variant.drawing));
    const narrow = width < NARROW;
    made.data.forEach((trace) => { trace.visible = isVisible(trace, variant); });
    arrange(made.layout, width, narrow);
    if (state.scale === "points") readAgainstBaseline(made);
    if (state.trial) follow(made);
    if (made.layout.annotations) nameEnds(made, narrow);
    (made.layout.images || []).forEach((image) => {
      image.source = page.examples[image.source.replace("example:", "")];
    });
    return isDark() ? recoloured(made) : made;
  }

  function arrange(layout, width, narrow) {
    const meta = layout.meta || {};
    layout.width = meta.width ? Math.min(width, meta.width) : width;
    if (narrow) {
      layout.margin.r = Math.min(layout.margin.r, meta.width ? 84 : 14);
      layout.margin.l = Math.min(layout.margin.l, 84);
      if (layout.height > 480) layout.height = 480;
      everySecond(layout);
    }
    if (meta.arrangements) {
      const rooms = Object.keys(meta.arrangements).map(Number);
      const panels = Object.keys(layout).filter((name) => name.startsWith("xaxis")).length;
      const across = Math.max(1, Math.min(Math.max(...rooms), panels, Math.floor(width / 255)));
      for (const [path, value] of Object.entries(meta.arrangements[across])) {
        const [name, inner] = path.split(".");
        if (inner) layout[name][inner] = value; else layout[name] = value;
      }
    }
  }

  function everySecond(layout) {
    if (!layout.images || !layout.images.length) return;
    layout.images = layout.images.filter((_, number) => number % 2 === 0);
    layout.images.forEach((image) => { image.sizex *= 2; });
    const room = layout.xaxis.range[1] - layout.xaxis.range[0];
    let last = -1;
    layout.xaxis.ticktext = layout.xaxis.ticktext.map((text, number) => {
      const place = layout.xaxis.tickvals[number];
      if (!text || place - last < 0.11 * room) return "";
      last = place;
      return text;
    });
    layout.xaxis.title.text = layout.xaxis.title.text.replace("; the same image at each level", "");
  }

  function readAgainstBaseline(made) {
    const {baseline, reading} = made.layout.meta || {};
    if (!reading || baseline === null || baseline === undefined) return;
    for (const trace of made.data) {
      const axis = (trace.meta || {}).relative;
      if (axis) trace[axis] = trace[axis].map((value, place) => less(value, baseline, trace.meta.at, place));
    }
    for (const name of Object.keys(made.layout)) {
      if (name.startsWith(reading.axis)) made.layout[name].range = reading.range;
    }
    const told = (made.layout.annotations || []).find((one) => one.name === "reading");
    if (told) told.text = reading.title;
    else if (made.layout[reading.axis].title.text) made.layout[reading.axis].title.text = reading.title;
  }

  function less(value, baseline, at, place) {
    const base = Array.isArray(baseline) ? baseline[at === undefined ? place : at] : baseline;
    return value === null || base === null ? null : value - base;
  }

  function follow(made) {
    for (const trace of made.data) {
      const meta = trace.meta || {};
      if (meta.emphasis !== undefined) {
        const same = meta.emphasis === state.trial;
        trace.opacity = same ? 1 : trace.opacity * 0.35;
        if (same) trace.line.width = 4;
      } else if (trace.type === "heatmap") {
        meta.trials.forEach((row, y) => row.forEach((id, x) => { if (id === state.trial) ring(made.layout, x, y); }));
      } else if (meta.trials && new Set(meta.trials).size > 1) {
        trace.selectedpoints = meta.trials.flatMap((id, number) => (id === state.trial ? [number] : []));
        trace.selected = {marker: {opacity: 1, size: 17}};
        trace.unselected = {marker: {opacity: 0.25}};
      }
    }
  }

  function ring(layout, x, y) {
    layout.shapes = (layout.shapes || []).concat([{
      type: "rect", x0: x - 0.48, x1: x + 0.48, y0: y - 0.48, y1: y + 0.48, line: {color: "#D55E00", width: 4},
    }]);
  }

  // Names at the ends of the curves that show, moved apart as dashboards/spread.py does it

  function nameEnds(made, narrow) {
    const ends = made.layout.annotations.filter((one) => (one.name || "").startsWith("end:"));
    if (!ends.length) return;
    const [low, high] = made.layout.yaxis.range;
    const room = made.layout.height - made.layout.margin.t - made.layout.margin.b;
    const pixels = room / (high - low);
    const open = [];
    for (const end of ends) {
      const trace = made.data[Number(end.name.slice(4))];
      const place = lastOf(trace);
      end.visible = trace.visible === true && !narrow && place >= 0;
      if (!end.visible) continue;
      end.x = trace.x[place];
      end.y = Math.min(high, Math.max(low, trace.y[place]));
      end.text = trace.meta.end;
      open.push(end);
    }
    if (needed(open.map(linesOf)) > room) open.forEach((end) => { end.text = end.text.split("<br>")[0]; });
    const shifts = spread(open.map((end) => (high - end.y) * pixels), open.map(linesOf), room);
    open.forEach((end, number) => { end.ay = shifts[number]; });
    const longest = Math.max(0, ...open.flatMap((end) => end.text.split("<br>").map((line) => line.length)));
    if (open.length) made.layout.margin.r = Math.min(270, Math.max(110, 46 + 6.7 * longest));
  }

  function linesOf(end) {
    return end.text.split("<br>").length;
  }

  function lastOf(trace) {
    let place = trace.y.length - 1;
    while (place >= 0 && trace.y[place] === null) place -= 1;
    return place;
  }

  function needed(lines) {
    return lines.reduce((sum, number) => sum + number * LINE + GAP, 0);
  }

  function within(block, room) {
    block.middle = Math.max(block.height / 2, Math.min(room - block.height / 2, block.middle));
    return block;
  }

  function joined(above, below) {
    const height = above.height + below.height;
    const middle = (above.middle * above.height + below.middle * below.height) / height;
    return {middle: middle, height: height, members: above.members.concat(below.members)};
  }

  function spread(targets, lines, room) {
    const blocks = [];
    for (const k of targets.map((_, number) => number).sort((one, other) => targets[one] - targets[other])) {
      let block = within({middle: targets[k], height: needed([lines[k]]), members: [k]}, room);
      while (blocks.length) {
        const above = blocks[blocks.length - 1];
        if (above.middle + above.height / 2 <= block.middle - block.height / 2) break;
        block = within(joined(blocks.pop(), block), room);
      }
      blocks.push(block);
    }
    const shifts = targets.map(() => 0);
    for (const block of blocks) {
      let top = block.middle - block.height / 2;
      for (const k of block.members) {
        const own = needed([lines[k]]);
        shifts[k] = top + own / 2 - targets[k];
        top += own;
      }
    }
    return shifts;
  }

  // Slots

  const slots = Array.from(document.querySelectorAll("[data-slot]")).map((element) => ({
    element: element,
    name: element.dataset.slot,
    variants: page.slots[element.dataset.slot],
    part: (name) => element.querySelector(`[data-part="${name}"]`),
    width: 0,
  }));

  function variantOf(slot) {
    return slot.variants.find((variant) => agrees(variant.when)) || {missing: "", drawing: null, text: {}, families: []};
  }

  function showSlot(slot) {
    const variant = variantOf(slot);
    slot.variant = variant;
    const missing = slot.part("missing");
    missing.textContent = variant.missing;
    missing.hidden = !variant.missing;
    slot.element.classList.toggle("without", !variant.drawing && !variant.table);
    showText(slot.part("text"), variant.text[state.pick] || variant.text[""] || []);
    showPlot(slot, variant);
    showLegend(slot, variant);
    showTools(slot, variant);
    showTable(slot, variant);
  }

  function showText(place, sentences) {
    const [first, ...rest] = sentences;
    const caveats = rest.filter((one) => /^(Best and worst are|Not evaluated|\d+ of)/.test(one));
    const stands = rest.filter((one) => !caveats.includes(one));
    place.replaceChildren();
    for (const text of [first, ...stands]) if (text) place.append(make("p", {textContent: text}));
    if (caveats.length) place.append(make("p", {className: "caveat", textContent: caveats.join(" ")}));
  }

  function showPlot(slot, variant) {
    const place = slot.part("plot");
    if (!variant.drawing) {
      if (slot.drawn) Plotly.purge(place);
      slot.drawn = false;
      place.hidden = true;
      return;
    }
    place.hidden = false;
    place.setAttribute("aria-label", variant.alt || slot.element.getAttribute("aria-label"));
    slot.width = place.clientWidth;
    const made = shown(variant, slot.width);
    slot.made = made;
    Plotly.react(place, made.data, made.layout, {displayModeBar: false, responsive: false});
    if (!slot.drawn) place.on("plotly_click", (event) => followPoint(event.points[0]));
    slot.drawn = true;
  }

  function followPoint(point) {
    const trials = (point.data.meta || {}).trials;
    if (!trials) return;
    const place = point.pointNumber;
    const trial = Array.isArray(place) ? trials[place[0]][place[1]] : trials[place];
    if (trial) choose({trial: trial === state.trial ? "" : trial});
  }

  // The legend: methods to show and fill, and the lines that show

  function showLegend(slot, variant) {
    const place = slot.part("legend");
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    place.replaceChildren();
    if (!variant.families || !variant.families.length) return;
    const families = make("ul", {});
    for (const family of variant.families) families.append(familyItem(family, variant));
    const lines = make("ul", {className: "lines"});
    for (const trace of slot.made.data) {
      if (trace.visible && trace.meta.end && trace.line && trace.name !== "chance" && trace.name !== page.baseline) {
        lines.append(make("li", {}, [stroke(trace.line), make("span", {textContent: trace.name})]));
      }
    }
    place.append(families, lines);
    if (focused) {
      const again = place.querySelector(`[data-key="${CSS.escape(focused)}"]`);
      if (again) again.focus();
    }
  }

  function familyItem(family, variant) {
    const showing = checkbox(`show ${family.name}`, !isHidden(family), (on) => {
      const hide = state.hide.filter((name) => name !== family.name && name !== family.label);
      choose({hide: on ? hide : hide.concat([family.name])});
    });
    const told = make("label", {}, [showing, mark(family), make("span", {textContent: family.name}),
      make("small", {textContent: family.note})]);
    if (!family.has_band) return make("li", {}, [told]);
    const filled = state.fill || variant.filled;
    const filling = checkbox(`fill ${family.name}`, filled.includes(family.name), (on) => {
      choose({fill: on ? filled.concat([family.name]) : filled.filter((name) => name !== family.name)});
    });
    return make("li", {}, [told, make("label", {className: "fill"}, [filling, make("span", {textContent: "fill"})])]);
  }

  function checkbox(key, on, changed) {
    const box = make("input", {type: "checkbox", checked: on});
    box.dataset.key = key;
    box.setAttribute("aria-label", key);
    box.addEventListener("change", () => changed(box.checked));
    return box;
  }

  const SHAPES = {
    circle: "M8 3a5 5 0 1 0 .01 0z", square: "M3 3h10v10H3z", diamond: "M8 2l6 6-6 6-6-6z",
    "triangle-up": "M8 2l6 11H2z", "triangle-down": "M8 14L2 3h12z", pentagon: "M8 2l6 4.5-2.3 7H4.3L2 6.5z",
    star: "M8 1l2 5h5l-4 3.4 1.5 5.1L8 11.5l-4.5 3 1.5-5.1L1 6h5z",
    hexagon: "M8 1.5l5.6 3.2v6.5L8 14.5l-5.6-3.3V4.7z", cross: "M6 2h4v4h4v4h-4v4H6v-4H2V6h4z",
    bowtie: "M2 3l6 4 6-4v10l-6-4-6 4z", hourglass: "M3 2h10L9 8l4 6H3l4-6z", "star-diamond": "M8 1l2 5 5 2-5 2-2 5-2-5-5-2 5-2z",
    "triangle-left": "M2 8l11-6v12z", "triangle-right": "M14 8L3 2v12z", octagon: "M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5z",
  };

  function mark(family) {
    const colour = isDark() ? page.dark[family.colour] || family.colour : family.colour;
    return drawnIn(16, 16, {d: SHAPES[family.symbol] || SHAPES.circle, fill: colour});
  }

  function stroke(line) {
    const dashes = {dash: "6 4", dot: "2 3"};
    return drawnIn(30, 10, {
      d: "M1 5H29", stroke: line.color, "stroke-width": "2.2", "stroke-dasharray": dashes[line.dash] || "none", fill: "none",
    });
  }

  function drawnIn(width, height, attributes) {
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    const path = document.createElementNS(space, "path");
    picture.setAttribute("width", width);
    picture.setAttribute("height", height);
    picture.setAttribute("aria-hidden", "true");
    for (const [name, value] of Object.entries(attributes)) path.setAttribute(name, value);
    picture.append(path);
    return picture;
  }

  // Downloads, and the link that brings this state back

  function showTools(slot, variant) {
    const place = slot.part("tools");
    const name = [page.study, slot.name, ...Object.values(variant.when || {})].join("-").replace(/[^\w.-]+/g, "_");
    place.replaceChildren();
    if (variant.drawing) {
      for (const format of ["png", "svg"]) {
        place.append(button(format.toUpperCase(), () => Plotly.downloadImage(slot.part("plot"), {
          format: format, filename: name, width: slot.made.layout.width, height: slot.made.layout.height,
          scale: format === "png" ? 2 : 1,
        })));
      }
    }
    if (variant.table) place.append(button("CSV", () => save(`${name}.csv`, asCsv(variant.table))));
    if (variant.drawing || variant.table) {
      const section = slot.element.closest(".page");
      const link = make("a", {textContent: "link here"});
      link.href = address({page: section ? section.id.replace("page-", "") : ""});
      place.append(link);
    }
  }

  function asCsv(table) {
    const quoted = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const rows = [table.columns.map(([name]) => name), ...table.rows];
    return rows.map((row) => row.map(quoted).join(",") + "\n").join("");
  }

  function save(name, text) {
    const link = make("a", {download: name, href: URL.createObjectURL(new Blob([text], {type: "text/csv"}))});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Tables

  const texts = {
    rate: (value) => (100 * value).toFixed(1),
    width: (value) => (100 * value).toFixed(1),
    points: (value) => signed(100 * value),
    number: (value) => (typeof value === "number" ? String(value) : value),
    text: String,
  };

  function signed(value) {
    const told = Math.abs(value).toFixed(1);
    if (told === "0.0") return told;
    return (value < 0 ? "−" : "+") + told;
  }

  function showTable(slot, variant) {
    const details = slot.element.querySelector("details");
    details.hidden = !variant.table;
    if (!variant.table) return;
    const build = () => {
      if (details.open) slot.part("table").replaceChildren(tableOf(slot, variant.table));
    };
    details.ontoggle = build;
    build();
  }

  function tableOf(slot, table) {
    const sorted = slot.sorted || {column: -1, down: false};
    const head = make("tr", {}, table.columns.map((column, place) => headOf(slot, column, place, sorted)));
    const body = make("tbody", {}, ordered(table, sorted).filter((row) => found(slot, row)).map((row) => (
      make("tr", {}, row.map((value, place) => cellOf(value, table.columns[place][2])))
    )));
    return make("table", {}, [make("thead", {}, [head]), body]);
  }

  function headOf(slot, [, title, kind], place, sorted) {
    const percents = {rate: ", %", width: ", points", points: ", points"}[kind] || "";
    const head = make("th", {scope: "col", className: isText(kind) ? "" : "right"}, [button(title + percents, () => {
      slot.sorted = {column: place, down: sorted.column === place && !sorted.down};
      showTable(slot, slot.variant);
      slot.part("table").querySelectorAll("th button")[place].focus();
    })]);
    if (sorted.column === place) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
    return head;
  }

  function isText(kind) {
    return kind === "text" || kind === "trial";
  }

  function ordered(table, {column, down}) {
    if (column < 0) return table.rows;
    const rank = (value) => (value === null ? -Infinity : value);
    const sign = down ? -1 : 1;
    return table.rows.slice().sort((one, other) => {
      const [a, b] = [rank(one[column]), rank(other[column])];
      if (typeof a === typeof b && typeof a === "string") return sign * a.localeCompare(b, undefined, {numeric: true});
      return a === b ? 0 : sign * (a < b ? -1 : 1);
    });
  }

  function found(slot, row) {
    const field = document.querySelector(`[data-find="${slot.name}"]`);
    const words = field ? field.value.toLowerCase().split(/\s+/).filter(Boolean) : [];
    const text = row.filter((value) => typeof value === "string").join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }

  function cellOf(value, kind) {
    if (value === null || value === undefined) return make("td", {className: isText(kind) ? "" : "right", textContent: "–"});
    if (kind === "trial") {
      const follows = button(value.slice(0, 8), () => choose({trial: value === state.trial ? "" : value}));
      follows.className = "trial";
      follows.setAttribute("aria-pressed", String(value === state.trial));
      follows.title = `follow trial ${value}`;
      return make("td", {}, [follows]);
    }
    const text = isText(kind) || typeof value === "number" ? texts[kind](value) : value;
    return make("td", {className: isText(kind) ? "" : "right", textContent: text});
  }

  // The trial that is followed

  function showFollowed() {
    const place = document.getElementById("followed");
    place.hidden = !state.trial;
    document.body.style.paddingBottom = state.trial ? "72px" : "";
    if (!state.trial) return;
    const [label, train, hyperparameters] = page.trials[state.trial];
    const short = state.trial.slice(0, 8);
    const parts = [
      make("strong", {textContent: `Following ${label}${hyperparameters ? "; " + hyperparameters : ""}`}),
      make("span", {textContent: train === "nothing" ? "" : `trained on ${train.replaceAll("_", " ")}`}),
      make("span", {}, ["more: ", make("code", {textContent: `study show ${short}`}), ", in MLflow: ",
        make("code", {textContent: `tags.trial_id = '${state.trial}'`})]),
    ];
    if (page.choices.train && page.choices.train.values.includes(train) && train !== state.train) {
      parts.push(button("show what it was trained on", () => choose({train: train})));
    }
    parts.push(button("stop (Esc)", () => choose({trial: ""})));
    place.replaceChildren(...parts);
  }

  // Everything

  function make(tag, properties, children) {
    const element = Object.assign(document.createElement(tag), properties);
    if (children) element.append(...children);
    return element;
  }

  function button(text, pressed) {
    const made = make("button", {type: "button", textContent: text});
    made.addEventListener("click", pressed);
    return made;
  }

  function showChoices() {
    for (const select of document.querySelectorAll("[data-choice]")) select.value = state[select.dataset.choice];
    for (const link of document.querySelectorAll("[data-figure]")) mark_current(link, link.dataset.figure === state.figure);
    for (const cell of document.querySelectorAll(".matrix button")) {
      mark_current(cell, cell.dataset.train === state.train && cell.dataset.test === state.test);
    }
    for (const part of document.querySelectorAll("[data-show-pick]")) part.hidden = part.dataset.showPick !== state.pick;
    document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  }

  function mark_current(element, current) {
    if (current) element.setAttribute("aria-current", "true"); else element.removeAttribute("aria-current");
  }

  let turn = 0;

  function showAll() {
    turn += 1;
    const mine = turn;
    document.documentElement.removeAttribute("data-ready");
    showChoices();
    showFollowed();
    const waiting = slots.slice();
    const next = () => {
      if (mine !== turn) return;
      const slot = waiting.shift();
      if (!slot) {
        document.documentElement.dataset.ready = "yes";
        return;
      }
      showSlot(slot);
      if (slot.name === "standing") setTimeout(next, 0); else next();
    };
    next();
  }

  function goTo(name) {
    const section = document.getElementById(`page-${name}`);
    if (section) section.scrollIntoView({block: "start"});
  }

  for (const select of document.querySelectorAll("[data-choice]")) {
    select.addEventListener("change", () => choose({[select.dataset.choice]: select.value}));
  }
  for (const link of document.querySelectorAll("[data-page]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      state.page = link.dataset.page;
      remember();
      goTo(state.page);
    });
  }
  for (const link of document.querySelectorAll("[data-figure]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose({figure: link.dataset.figure, train: link.dataset.train, test: link.dataset.test});
    });
  }
  for (const cell of document.querySelectorAll(".matrix button")) {
    cell.addEventListener("click", () => {
      choose({train: cell.dataset.train, test: cell.dataset.test});
      goTo("bands");
    });
  }
  for (const field of document.querySelectorAll("[data-find]")) {
    field.addEventListener("input", () => {
      const slot = slots.find((one) => one.name === field.dataset.find);
      showTable(slot, slot.variant);
    });
  }
  document.getElementById("theme").addEventListener("click", () => choose({theme: isDark() ? "light" : "dark"}));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.trial) choose({trial: ""});
  });
  window.addEventListener("hashchange", () => {
    Object.assign(state, fromAddress());
    showAll();
    if (state.page) goTo(state.page);
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
  let resized = 0;
  window.addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => {
      if (slots.some((slot) => slot.drawn && slot.part("plot").clientWidth !== slot.width)) showAll();
    }, 120);
  });

  Object.assign(state, fromAddress());
  showAll();
  if (state.page) goTo(state.page);
})();

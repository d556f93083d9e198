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
  withoutCaption(made.layout);
  arrange(made.layout, width, narrow);
  if (state.scale === "points") readAgainstBaseline(made);
  if (state.trial) follow(made);
  if (made.layout.annotations) nameEnds(made, narrow);
  writeCaption(made.layout, Math.min(width, made.layout.width));
  (made.layout.images || []).forEach((image) => {
    image.source = page.examples[image.source.replace("example:", "")];
  });
  return isDark() ? recoloured(made) : made;
}

function arrange(layout, width, narrow) {
  const meta = layout.meta || {};
  layout.width = Math.max(meta.width ? Math.min(width, meta.width) : width, meta.least || 0);
  if (narrow) {
    layout.margin.r = Math.min(layout.margin.r, meta.width ? 84 : 14);
    if (layout.height > 480 && !meta.tall) lower(layout, 480);
    if (!meta.tall) everySecond(layout);
  }
  if (meta.arrangements) {
    const rooms = Object.keys(meta.arrangements).map(Number);
    const panels = Object.keys(layout).filter((name) => name.startsWith("xaxis")).length;
    const across = Math.max(1, Math.min(Math.max(...rooms), panels, Math.floor(width / (meta.panel || 255))));
    for (const [path, value] of Object.entries(meta.arrangements[across])) {
      const names = path.split(".");
      const last = names.pop();
      names.reduce((inner, name) => inner[name], layout)[last] = value;
    }
  }
}

// Images below the plot keep their distance from it in pixels.
function lower(layout, height) {
  const around = layout.margin.t + layout.margin.b;
  const stretched = (layout.height - around) / (height - around);
  for (const image of layout.images || []) {
    image.y *= stretched;
    image.sizey *= stretched;
  }
  layout.height = height;
}

function everySecond(layout) {
  if (!layout.images || !layout.images.length) return;
  layout.images = layout.images.filter((_, number) => number % 2 === 0);
  const [low, high] = layout.xaxis.range;
  const room = high - low;
  layout.images.forEach((image) => {
    image.sizex *= 2;
    image.x = Math.min(Math.max(image.x, low + image.sizex / 2), high - image.sizex / 2);  // whole at either end
  });
  let last = -1;
  layout.xaxis.ticktext = layout.xaxis.ticktext.map((text, number) => {
    const place = layout.xaxis.tickvals[number];
    if (!text || place - last < 0.11 * room) return "";
    last = place;
    return text;
  });
  layout.xaxis.title.text = layout.xaxis.title.text.replace(/; the same image at each level.*/, "");
}

function readAgainstBaseline(made) {
  const {baseline, reading} = made.layout.meta || {};
  if (!reading || baseline === null || baseline === undefined) return;
  for (const trace of made.data) {
    const axis = (trace.meta || {}).relative;
    if (axis) trace[axis] = trace[axis].map((value, place) => less(value, trace.meta.baseline || baseline, trace.meta.at, place));
  }
  for (const name of Object.keys(made.layout)) {
    if (!name.startsWith(reading.axis)) continue;
    made.layout[name].range = reading.range;
    if (made.layout[name].title.text) made.layout[name].title.text = reading.title;
  }
  const told = (made.layout.annotations || []).find((one) => one.name === "reading");
  if (told) told.text = reading.title;
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
      (meta.trials || []).forEach((row, y) => row.forEach((id, x) => { if (id === state.trial) ring(made.layout, x, y); }));
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

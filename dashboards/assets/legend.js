// The legend: methods to show and fill, and the lines that show

function showLegend(slot, variant) {
  const place = slot.part("legend");
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren();
  if (!variant.families || !variant.families.length) return;
  const families = make("ul", {});
  for (const family of variant.families) families.append(familyItem(family, variant));
  const lines = make("ul", {className: "lines"});
  const panels = Boolean((slot.made.layout.meta || {}).arrangements);  // which name their lines themselves, at any width
  for (const trace of panels ? [] : slot.made.data) {
    const chance = trace.name === "chance";
    if (!trace.visible || !trace.meta.end || !trace.line || trace.name === page.baseline) continue;
    if (!chance || slot.width < NARROW) {  // where there is no room for names at the ends, chance is named here
      lines.append(make("li", {}, [stroke(trace.line), make("span", {textContent: chance ? trace.meta.end : trace.name})]));
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
  const dashes = {dash: "6 4", dot: "2 3", dashdot: "7 3 2 3"};
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

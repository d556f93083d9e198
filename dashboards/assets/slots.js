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
  const caveats = rest.filter((one) => /^(Best and worst are|The baseline is|Not evaluated|Not tested|Left out|\d+ of)/.test(one));
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

// Downloads, and the link that brings this state back

function showTools(slot, variant) {
  const place = slot.part("tools");
  const name = [page.study, slot.name, ...Object.values(variant.when || {})].join("-").replace(/[^\w.-]+/g, "_");
  place.replaceChildren();
  if (variant.drawing || variant.picture) {
    for (const format of ["png", "svg"]) place.append(button(format.toUpperCase(), () => download(slot, variant, format, name)));
  }
  if (variant.table) place.append(button("CSV", () => save(`${name}.csv`, asCsv(variant.table))));
  if (variant.drawing || variant.table) {
    const section = slot.element.closest(".page");
    const link = make("a", {textContent: "link here"});
    link.href = address({...variant.when, page: section ? section.id.replace("page-", "") : ""});
    place.append(link);
  }
}

function download(slot, variant, format, name) {
  const picture = variant.picture;
  const made = picture ? shown({drawing: picture, filled: []}, picture.layout.meta.width) : slot.made;
  const {width, height} = made.layout;
  const scale = format === "png" ? 2 : 1;
  Plotly.downloadImage(picture ? made : slot.part("plot"), {format: format, filename: name, width, height, scale});
}

// Spreadsheets take a text that begins like a formula for one; an apostrophe before it says that it is text.
function asCsv(table) {
  const quoted = (value) => {
    const plain = value === null || value === undefined ? "" : String(value);
    const text = typeof value === "string" && /^[=+\-@]/.test(value) ? `'${plain}` : plain;
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

// The page's choices. Every figure is drawn already (dashboards/drawing.py says what its `meta` means): this script shows
// one of the variants of each slot, hides and shows its traces, moves what is read against the baseline, and keeps what
// was chosen in the address. Texts from a study only ever become text, never HTML.

const page = await unpacked(document.getElementById("page-data").textContent);
const NARROW = 640;
const LINE = 16, GAP = 4;
const state = {};
const lists = ["hide", "fill"];
const free = ["trial", "theme", "page"];

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// State and address

function opening() {
  const fresh = {hide: [], fill: null, trial: "", theme: "", page: ""};
  for (const [name, choice] of Object.entries(page.choices)) fresh[name] = choice.default;
  return fresh;
}

// Names in an address are anyone's: `constructor` and `__proto__` are no entries of a table.
function own(table, name) {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function fromAddress() {
  const text = location.hash.slice(1);
  const given = new URLSearchParams(text && !text.includes("=") ? "page=" + text : text);
  const read = opening();
  for (const [name, value] of given) {
    const choice = own(page.choices, name);
    if (choice && choice.values.includes(value)) read[name] = value;
    else if (lists.includes(name)) read[name] = given.getAll(name).filter(Boolean);
    else if (name === "trial" && own(page.trials, value)) read.trial = value;
    else if (name === "theme" && ["dark", "light"].includes(value)) read.theme = value;
    else if (name === "page") read.page = value;
  }
  return read;
}

function address(changes) {
  const told = Object.assign({}, state, changes);
  const plain = opening();
  const parts = new URLSearchParams();
  for (const name of Object.keys(page.choices)) {
    if (told[name] !== plain[name] || Object.hasOwn(changes, name) || name === "train" || name === "test") parts.set(name, told[name]);
  }
  for (const one of told.hide) parts.append("hide", one);
  for (const one of told.fill === null || told.fill.length ? told.fill || [] : [""]) parts.append("fill", one);
  for (const name of free) if (told[name]) parts.set(name, told[name]);
  return "#" + parts.toString();
}

function choose(changes) {
  if ("train" in changes || "test" in changes || "figure" in changes) changes = Object.assign({fill: null, page: ""}, changes);
  if ("figure" in changes && "pick_at" in state) changes.pick_at = "";
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

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
  const shown = table.columns.flatMap(([, title], place) => (title ? [place] : []));  // the others are for the file
  const head = make("tr", {}, shown.map((place) => headOf(slot, table.columns[place], place, sorted)));
  const body = make("tbody", {}, ordered(table, sorted).filter((row) => found(slot, row)).map((row) => (
    make("tr", {}, shown.map((place) => cellOf(row[place], table.columns[place][2])))
  )));
  return make("table", {}, [make("thead", {}, [head]), body]);
}

function headOf(slot, [, title, kind], place, sorted) {
  const percents = {rate: ", %", width: ", points", points: ", points"}[kind] || "";
  const head = make("th", {scope: "col", className: isText(kind) ? "" : "right"}, [button(title + percents, () => {
    slot.sorted = {column: place, down: sorted.column === place && !sorted.down};
    showTable(slot, slot.variant);
    slot.part("table").querySelector("th[aria-sort] button").focus();
  })]);
  if (sorted.column === place) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
  return head;
}

function isText(kind) {
  return kind === "text" || kind === "trial";
}

function ordered(table, {column, down}) {
  if (column < 0) return table.rows;
  const sign = down ? -1 : 1;
  return table.rows.slice().sort((one, other) => sign * compared(one[column], other[column]));
}

// What is missing comes before words, and words before numbers: among levels, `clean` is the easiest.
function compared(one, other) {
  const rank = (value) => (value === null ? 0 : typeof value === "string" ? 1 : 2);
  if (rank(one) !== rank(other)) return rank(one) - rank(other);
  if (rank(one) === 1) return one.localeCompare(other, undefined, {numeric: true});
  return one === other ? 0 : one < other ? -1 : 1;
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

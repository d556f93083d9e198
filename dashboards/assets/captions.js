// The line below a drawing, in the words of dashboards/captions.py, wrapped to the width that there is

const CHARACTER = 6.7;

// A drawing comes with its caption's room in its height: taken away first, given back when its width is known.
function withoutCaption(layout) {
  const caption = (layout.meta || {}).caption;
  if (caption) addBelow(layout, -caption.rows);
}

function writeCaption(layout, width) {
  const caption = (layout.meta || {}).caption;
  if (!caption) return;
  const told = caption.parts.map(chosenText).filter(Boolean).join(" · ").replaceAll(" = ", "\u00a0=\u00a0");
  const rows = wrapped(told, Math.floor((width - 12) / CHARACTER));
  const line = layout.annotations.find((one) => one.name === "caption");
  line.text = rows.map(plain).join("<br>");
  line.xshift = 6 - layout.margin.l;
  line.yshift = 6 - layout.margin.b;
  addBelow(layout, rows.length);
}

function addBelow(layout, rows) {
  layout.margin.b += rows * LINE;
  layout.height += rows * LINE;
}

function chosenText(part) {
  if (typeof part === "string") return part;
  const found = part.find((one) => agrees(one.when));
  return found ? found.text : "";
}

function wrapped(text, characters) {
  const rows = [""];
  for (const word of text.split(" ")) {
    const longer = rows[rows.length - 1] ? `${rows[rows.length - 1]} ${word}` : word;
    if (longer.length <= characters || !rows[rows.length - 1]) rows[rows.length - 1] = longer; else rows.push(word);
  }
  return rows;
}

function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// Names at the ends of the curves that show, moved apart as dashboards/spread.py does it; in panels they stand inside

function nameEnds(made, narrow) {
  const ends = made.layout.annotations.filter((one) => (one.name || "").startsWith("end:"));
  if (!ends.length) return;
  const panels = Boolean((made.layout.meta || {}).arrangements);
  const open = [...new Set(ends.map((end) => end.yref))].flatMap((axis) => (
    nameEndsOn(made, ends.filter((end) => end.yref === axis), narrow && !panels)
  ));
  const longest = Math.max(0, ...open.flatMap((end) => end.text.split("<br>").map(characters)));
  if (open.length && !panels) made.layout.margin.r = Math.min(270, Math.max(110, 46 + 6.7 * longest));
}

function nameEndsOn(made, ends, hidden) {
  const {range: [low, high], domain} = made.layout[ends[0].yref.replace("y", "yaxis")];
  const [from, to] = domain || [0, 1];
  const room = (made.layout.height - made.layout.margin.t - made.layout.margin.b) * (to - from);
  const pixels = room / (high - low);
  const open = [];
  for (const end of ends) {
    const trace = made.data[Number(end.name.slice(4))];
    const place = lastOf(trace);
    end.visible = trace.visible === true && !hidden && place >= 0;
    if (!end.visible) continue;
    const log = made.layout[end.xref.replace("x", "xaxis")].type === "log";
    end.x = trace.meta.right ?? (log ? Math.log10(trace.x[place]) : trace.x[place]);
    end.y = Math.min(high, Math.max(low, trace.y[place]));
    end.text = trace.meta.end;
    open.push(end);
  }
  if (needed(open.map(linesOf)) > room) open.forEach((end) => { end.text = end.text.split("<br>")[0]; });
  const shifts = spread(open.map((end) => (high - end.y) * pixels), open.map(linesOf), room);
  open.forEach((end, number) => { end.ay = shifts[number]; });
  return open;
}

function characters(line) {
  return line.replace(/&\w+;/g, "x").length;
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

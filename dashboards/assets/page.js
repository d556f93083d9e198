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
  for (const select of document.querySelectorAll("[data-choice]")) {
    select.value = state[select.dataset.choice];
    if (select.selectedIndex < 0) select.selectedIndex = 0;  // of the levels that only some figures have
  }
  for (const cell of document.querySelectorAll(".matrix button")) {
    mark_current(cell, cell.dataset.train === state.train && cell.dataset.test === state.test);
  }
  for (const part of document.querySelectorAll("[data-show-pick]")) part.hidden = part.dataset.showPick !== state.pick;
  for (const part of document.querySelectorAll("[data-show-figure]")) part.hidden = part.dataset.showFigure !== state.figure;
  for (const part of document.querySelectorAll("[data-unless-band]")) part.hidden = part.dataset.unlessBand === state.band;
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
    const chosen = Object.entries(link.dataset).filter(([name]) => Object.hasOwn(page.choices, name));
    if (chosen.length) choose({...Object.fromEntries(chosen), page: link.dataset.page});
    else {
      state.page = link.dataset.page;
      remember();
    }
    goTo(state.page);
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

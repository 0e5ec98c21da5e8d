// What all scripts of a page share: choices, and what is to be drawn again when one changes.
const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const json = (id) => {
  const place = document.getElementById(id);
  return place ? JSON.parse(place.textContent) : null;
};
const lookup = json("lookup");
const labels = json("labels");
const state = { token: null };
// What to draw again when a choice changes: a list of choices and a function each.
const parts = [
  [["readout"], () => {
    for (const part of all("[data-readout]")) part.hidden = part.dataset.readout !== state.readout;
  }],
];

// One choice may have several sets of buttons: they move together.
all("fieldset.choice").forEach((fieldset, index) => {
  for (const input of fieldset.querySelectorAll("input")) {
    input.name = `${input.dataset.key}-${index}`;
    if (input.checked) state[input.dataset.key] = input.value;
    input.addEventListener("change", () => choose(input.dataset.key, input.value));
  }
});

function choose(key, value) {
  state[key] = value;
  for (const input of all(`input[data-key="${key}"]`)) input.checked = input.value === value;
  for (const [keys, draw] of parts) if (keys.includes(key)) draw();
}

// Not the clipboard's interface: a page that is opened from a file does not get it.
function copyOf(place, button) {
  getSelection().selectAllChildren(place);
  button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
}

function element(tag, content = "", className = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const part of [content].flat()) made.append(part);
  return made;
}

const closed = [];
addEventListener("beforeprint", () => {
  for (const part of all("details:not([open])")) {
    closed.push(part);
    part.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const part of closed.splice(0)) part.open = false;
});

// A section that is folded opens when it is gone to.
function unfold() {
  const folded = location.hash.length > 1 && document.getElementById(location.hash.slice(1))?.querySelector(".folded");
  if (folded) {
    folded.open = true;
    folded.scrollIntoView();
  }
}
addEventListener("hashchange", unfold);
unfold();

// The guessing game: a guess opens the answers.
for (const form of all(".guess")) {
  const answers = form.parentElement.querySelector("details");
  const verdict = form.querySelector("output");
  form.hidden = false;
  const bare = (text) => text.replace(/^(##|[Ġ▁␣])/, "").trim().toLowerCase();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const guess = bare(form.querySelector("input").value);
    answers.open = true;
    if (guess) verdict.textContent = guess === bare(form.dataset.true) ? "Right." : `It was ${form.dataset.true}.`;
  });
}

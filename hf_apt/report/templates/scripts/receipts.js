// Receipts: what is pointed at or focused says all of itself, and can be copied.
const receipt = document.createElement("div");
const said = document.createElement("span");
const copy = document.createElement("button");
const close = document.createElement("button");
receipt.id = "receipt";
receipt.hidden = true;
said.setAttribute("role", "status");
for (const button of [copy, close]) {
  button.type = "button";
  button.className = "small";
}
close.textContent = "Close";
close.addEventListener("click", () => {
  receipt.hidden = true;
});
receipt.append(said, copy, close);
document.body.append(receipt);

function say(target) {
  const end = target.closest("[data-receipts-end]")?.dataset.receiptsEnd;
  said.textContent = [target.dataset.receipt, end].filter(Boolean).join("; ");
  copy.textContent = "Copy";
  receipt.hidden = false;
}
// A phone's chart has the same points as the wide one before it, which has the texts.
for (const narrow of all(".plot.narrow")) {
  const twins = narrow.previousElementSibling.querySelectorAll(".point");
  narrow.querySelectorAll(".point").forEach((point, index) => {
    point.dataset.receipt = twins[index].querySelector("title").textContent;
  });
}
for (const target of all(".point, .receipted")) {
  const title = target.querySelector("title");
  target.dataset.receipt ??= title?.textContent ?? target.title;
  if (target.matches(".point")) target.setAttribute("aria-label", target.dataset.receipt);
  title?.remove();
  target.removeAttribute("title");
}
// The cells of a matrix of similarities are the rows of its table.
for (const svg of all("svg[data-n]")) {
  const rows = svg.dataset.table.split("\n").slice(1).map((line) => line.split("\t"));
  svg.setAttribute("role", "group");
  svg.querySelectorAll("text[text-anchor=middle]").forEach((cell, index) => {
    const [row, column, value, error] = rows[index];
    const about = error ? ` ± ${error} (standard error over stretches of the text)` : "";
    const text = `linear CKA, ${row} with ${column}: ${value || "–"}${about}, n = ${svg.dataset.n}`;
    for (const part of [cell, cell.previousElementSibling]) part.dataset.receipt = text;
    cell.querySelector("title")?.remove();
    cell.setAttribute("tabindex", "0");
    cell.setAttribute("role", "img");
    cell.setAttribute("aria-label", text);
  });
}
function show(event) {
  if (receipt.contains(event.target)) return;
  const target = event.target.closest?.("[data-receipt]");
  if (target) say(target);
  else if (event.type !== "pointerover") receipt.hidden = true;
}
for (const type of ["pointerover", "focusin", "pointerdown"]) addEventListener(type, show);
addEventListener("keydown", (event) => {
  const target = event.target.closest?.("[data-receipt]");
  if (event.key === "Escape") receipt.hidden = true;
  else if (target && event.key === "Enter") copy.focus();
});
copy.addEventListener("click", () => {
  copyOf(said, copy);
});

// Every table and chart as CSV and JSON, every chart as PNG.
// A table's rows: an estimate gives two columns, its value and its standard error.
function rowsOf(table) {
  const plain = table.cloneNode(true);
  for (const hidden of plain.querySelectorAll(".short")) hidden.remove();
  for (const end of plain.querySelectorAll("br, .chip")) end.after(" ");
  for (const start of plain.querySelectorAll("small")) start.before(" ");
  const grid = [];
  [...plain.rows].forEach((row, y) => {
    grid[y] ??= [];
    let x = 0;
    for (const cell of row.cells) {
      while (grid[y][x] !== undefined) x += 1;
      const text = cell.textContent.replace(/\s+/g, " ").trim();
      const names = cell.dataset.columns?.split("|");
      for (let down = 0; down < cell.rowSpan; down += 1) {
        grid[y + down] ??= [];
        for (let right = 0; right < cell.colSpan; right += 1) grid[y + down][x + right] = names?.[right] ?? text;
      }
    }
  });
  const numHeads = plain.tHead?.rows.length ?? 0;
  const heads = grid.slice(0, numHeads);
  const width = Math.max(...grid.map((row) => row.length));
  const header = numHeads ? [...Array(width).keys()].map((x) => [...new Set(heads.map((row) => row[x] ?? ""))].filter(Boolean).join(" / ")) : ["name", "value"];
  const body = grid.slice(numHeads);
  const columns = header.map((name, x) => {
    const cells = body.map((row) => (/^(token|answer|words)\b/.test(name) ? [row[x] ?? ""] : parted(row[x] ?? "").map(number)));
    const twice = cells.some((parts) => parts.length === 2);
    return twice ? [[name, ...cells.map((parts) => parts[0])], [`${name}, standard error`, ...cells.map((parts) => parts[1] ?? null)]]
      : [[name, ...cells.map(([text]) => text)]];
  }).flat();
  return [0, ...body.map((_, y) => y + 1)].map((y) => columns.map((column) => column[y]));
}
// A token is no number, no gap and no estimate, whatever it looks like.
function parted(text) {
  return /^[+−-]?[\d.,]+ ± [\d.,]+/.test(text) ? text.split("±") : [text];
}
function number(text) {
  const plain = text.trim().replace("−", "-");
  if (plain === "–" || plain === "") return null;
  const digits = plain.replace(/,(?=\d{3})/g, "");
  return /^[+-]?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/.test(digits) ? Number(digits) : plain;
}
function csvOf(rows) {
  const cell = (value) => {
    if (typeof value !== "string") return value === null ? "" : String(value);
    const text = /^[=+\-@]/.test(value) ? `'${value}` : value;  // no spreadsheet takes it for a formula
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${rows.map((row) => row.map(cell).join(",")).join("\n")}\n`;
}
function jsonOf(place, about, [columns, ...rows]) {
  const made = place.closest("[data-receipts-end]")?.dataset.receiptsEnd ?? "";
  return `{"about":${JSON.stringify(about)},"made":${JSON.stringify(made)},"columns":${JSON.stringify(columns)},"rows":[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]}\n`;
}

// Links to save what `place` shows. `rows()` are its numbers, `picture()` its drawing; either may be missing.
const filesOf = new Map();
function offer(place, about, { rows, picture }) {
  const line = element("p", "", "csv");
  const base = about.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  const before = (filesOf.get(base) ?? []).filter((owner) => owner.isConnected && owner !== place);
  filesOf.set(base, [...before, place]);
  const name = base + (before.length ? `-${before.length + 1}` : "");
  const add = (made, kind) => {
    made.setAttribute("aria-label", `${about} as ${kind}`);
    line.append(made, " ");
  };
  const link = (kind, type, text) => {
    const made = element("a", kind);
    made.download = `${name}.${kind.toLowerCase()}`;
    made.href = "#";
    for (const event of ["pointerdown", "focus", "click"]) {
      made.addEventListener(event, () => {
        made.href = `data:${type};charset=utf-8,${encodeURIComponent(text())}`;
      });
    }
    add(made, kind);
  };
  if (rows) {
    link("CSV", "text/csv", () => csvOf(rows()));
    link("JSON", "application/json", () => jsonOf(place, about, rows()));
  }
  if (picture) {
    const button = element("button", "PNG", "link");
    button.type = "button";
    button.addEventListener("click", () => savePicture(picture(), `${name}.png`));
    add(button, "PNG");
  }
  place.after(line);
}
const offerTable = (table, about = nameOf(table)) => offer(table.closest(".scroll") ?? table, about, { rows: () => rowsOf(table) });
function nameOf(table) {
  const named = table.closest("[aria-label]")?.getAttribute("aria-label");
  if (named) return named;
  const titles = [table.closest("section")?.querySelector("h2"), (table.closest(".scroll") ?? table).parentElement.querySelector(":scope > :is(h3, summary)")];
  return [...new Set(titles.map((title) => title?.textContent).filter(Boolean))].join(", ") || "table";
}

// The SVG with the page's colours as they are now, as an image of its own.
function standalone(svg) {
  const copied = svg.cloneNode(true);
  const { x, y, width, height } = svg.viewBox.baseVal;
  for (const extra of copied.querySelectorAll(".point, .cursor")) extra.remove();
  for (const use of copied.querySelectorAll("use")) {
    const id = use.getAttribute("href")?.slice(1);
    if (id && !copied.querySelector(`[id="${id}"]`)) copied.append(document.getElementById(id).cloneNode(true));
  }
  const styles = all("style").map((style) => style.textContent).join("\n");
  const now = getComputedStyle(svg);
  copied.classList.remove("wide", "narrow");
  copied.style.cssText = `display:block;width:${width}px;height:${height}px;max-width:none;color:${now.color}`;
  for (const [name] of styles.matchAll(/--[\w-]+(?=:)/g)) copied.style.setProperty(name, now.getPropertyValue(name));
  const style = document.createElementNS(svg.namespaceURI, "style");
  style.textContent = styles;
  const ground = document.createElementNS(svg.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ x, y, width, height })) ground.setAttribute(name, value);
  ground.style.fill = "var(--paper)";
  copied.prepend(style, ground);
  return new XMLSerializer().serializeToString(copied);
}
async function savePicture(svg, name) {
  const { width, height } = svg.viewBox.baseVal;
  const scale = Math.max(2, 1600 / width);
  const image = new Image(width, height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
  await image.decode();
  const canvas = element("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => {
    const link = element("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

for (const table of all("main table:not(#confusion-counts)")) offerTable(table);
// A chart is drawn twice, for a desk and for a phone: the one that is seen is saved.
for (const svg of all("svg[aria-label]:not(.narrow, .confusion)")) {
  const twin = svg.nextElementSibling?.matches(".plot.narrow") ? svg.nextElementSibling : null;
  const readout = svg.closest("[data-readout]")?.dataset.readout;
  const about = [svg.getAttribute("aria-label"), labels?.names[readout] ?? readout?.replaceAll("_", " ")].filter(Boolean).join(", ");
  const { table } = svg.dataset;
  offer(twin ?? svg, about, {
    rows: table && (() => {
      const lines = table.split("\n").map((line) => line.split("\t"));
      lines.forEach((cells, y) => cells.forEach((cell, x) => { if (cell === "^") cells[x] = lines[y - 1][x]; }));
      const isText = lines[0].map((name) => name.startsWith(" "));
      return lines.map((cells, y) => cells.map((cell, x) => (y ? (isText[x] ? cell || null : number(cell)) : cell.trim())));
    }),
    picture: () => (twin?.getClientRects().length ? twin : svg),
  });
}

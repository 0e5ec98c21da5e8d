// Confusion pictures: what a cell holds, by pointer or arrow keys, and all counts as a table.
function confusions({ detail, at, where, few }) {
  const counts = () => {
    const { tokens, asked, counts: flat } = detail().confusion;
    const grid = tokens.map(() => tokens.map(() => 0));
    const cells = flat[at()];
    for (let index = 0; index < cells.length; index += 2) {
      grid[Math.floor(cells[index] / tokens.length)][cells[index] % tokens.length] = cells[index + 1];
    }
    return { names: tokens.map((token) => lookup.tokens[token]), asked, grid };
  };
  const rows = () => {
    const { names, asked, grid } = counts();
    const sum = (row) => row.reduce((total, each) => total + each, 0);
    return [["token", ...names, "other answers", "asked"], ...grid.map((row, y) => [names[y], ...row, asked[y] - sum(row), asked[y]])];
  };

  function cellText(row, column) {
    const { names, asked, grid } = counts();
    const [given, num] = [grid[row][column], asked[row]];
    return `“${names[row]}” was answered by “${names[column]}”: ${shareText(given, num, few)}; ${where()}`;
  }
  for (const svg of all(".confusion")) {
    const ground = svg.querySelector(".ground");
    const shown = Number(svg.dataset.shown);
    const cursor = document.createElementNS(svg.namespaceURI, "rect");
    let [row, column] = [0, 0];
    const point = (y, x) => {
      [row, column] = [y, x].map((each) => Math.max(0, Math.min(shown - 1, each)));
      const [left, size] = [ground.x, ground.width].map((each) => each.baseVal.value);
      const place = { x: left + (column * size) / shown, y: left + (row * size) / shown, width: size / shown, height: size / shown };
      for (const [name, value] of Object.entries(place)) cursor.setAttribute(name, value);
      svg.append(cursor);
      svg.dataset.receipt = cellText(row, column);
      say(svg);
    };
    cursor.setAttribute("class", "cursor");
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-label", `${svg.getAttribute("aria-label")}; arrow keys go from cell to cell`);
    for (const type of ["pointermove", "pointerdown"]) {
      svg.addEventListener(type, (event) => {
        const box = ground.getBoundingClientRect();
        const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
        if (Math.min(x, y) >= 0 && Math.max(x, y) < 1) point(Math.floor(y * shown), Math.floor(x * shown));
      });
    }
    svg.addEventListener("focus", () => {
      if (svg.matches(":focus-visible")) point(row, column);
    });
    svg.addEventListener("keydown", (event) => {
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
      if (down === undefined) return;
      event.preventDefault();
      point(row + down, column + right);
    });
  }
  for (const place of all("[data-cells]")) {
    const [wide, narrow] = place.querySelectorAll(".confusion");
    const { detail: readout } = place.closest("[data-detail]").dataset;
    offer(narrow, `Confusions, ${labels.names[readout]}`, { rows, picture: () => (narrow.getClientRects().length ? narrow : wide) });
  }
  const table = find("#confusion-counts");
  offer(table.closest(".scroll"), "Counts of the confusion picture", { rows });
  const draw = () => {
    if (!table.closest("details").open) return;
    const [header, ...body] = rows();
    const cell = (tag, text) => element(tag, text === 0 ? "" : typeof text === "number" ? text.toLocaleString("en") : element("bdi", text));
    table.replaceChildren(
      element("thead", element("tr", header.map((name) => cell("th", name)))),
      element("tbody", body.map(([name, ...values]) => element("tr", [cell("th", name), ...values.map((value) => cell("td", value))]))));
  };
  table.closest("details").addEventListener("toggle", draw);
  parts.push([["readout", "depth"], () => {
    draw();
    for (const svg of all(".confusion[data-receipt]")) {
      delete svg.dataset.receipt;
      svg.querySelector(".cursor")?.remove();
    }
  }]);
}

// A share with what it is of: without an error where it says little, or nothing at 0 and 1.
function shareText(part, num, few) {
  const share = part / num;
  const error = Math.sqrt((share * (1 - share)) / num);
  const said = `${part.toLocaleString("en")} of ${num.toLocaleString("en")}`;
  return num < few || !error ? said : `${said}, ${share.toFixed(4)} ± ${error.toFixed(4)} (binomial standard error)`;
}

// All tokens as a table that any of its columns sorts.
function tokenTable({ detail, at, where, shownReadout, addressOf, few }) {
  const size = 50;
  const place = find("#token-table");
  const sorted = { column: 1, sign: -1, page: 0, least: 1 };
  const wrong = (token) => {
    const { num_tokens: listed, answers } = detail().wrong;
    return token < listed ? answers[at()][token] : [];
  };
  const apt = (token, depth) => detail().hits[depth][token] / lookup.support[token];
  // Names, values and the depth of those that are an APT.
  const columns = () => [
    ["token", (token) => lookup.tokens[token]],
    ["asked", (token) => lookup.support[token]],
    ["taken for", (token) => (wrong(token).length ? lookup.tokens[wrong(token)[0]] : null)],
    ["share of answers", (token) => (wrong(token).length ? wrong(token)[1] / lookup.support[token] : null)],
    [`in ${labels.counted_in}`, (token) => lookup.frequency[token]],
    ...(lookup.planted ? [["planted class", (token) => (lookup.planted[token] < 0 ? null : lookup.planted[token])]] : []),
    ...labels.depths.slice(0, detail().hits.length).map((name, depth) => [`APT, ${name}`, (token) => apt(token, depth), depth]),
  ];
  // What is not known comes last, however the rest is sorted; of equals the more asked first.
  const order = () => {
    const [, of] = columns()[sorted.column];
    const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, "en") : one - other);
    const known = (token) => (of(token) === null ? 1 : 0);
    return [...lookup.support.keys()].filter((token) => lookup.support[token] >= sorted.least)
      .map((token) => [token, of(token), known(token)])
      .sort((one, other) => one[2] - other[2] || (one[2] ? 0 : sorted.sign * compare(one[1], other[1])) || one[0] - other[0])
      .map(([token]) => token);
  };
  const rows = () => {
    const all = [["id", (token) => lookup.ids[token]], ...columns()];
    const cell = (value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
    return [all.map(([name]) => name.replaceAll("\u00a0", " ")), ...order().map((token) => all.map(([, of]) => cell(of(token))))];
  };

  function shownCell([name, of, depth], token) {
    const value = of(token);
    if (depth !== undefined) {
      const [hits, num] = [detail().hits[depth][token], lookup.support[token]];
      const made = element("td", num < few ? `${hits} of ${num}` : value.toFixed(3));
      made.dataset.receipt = `${name} of “${lookup.tokens[token]}”, ${labels.names[shownReadout()]}: ${shareText(hits, num, few)}`;
      return made;
    }
    if (value === null) return element("td", "–");
    if (name === "share of answers") return element("td", `${Math.round(value * 100)} %`);
    if (name !== "taken for") return element("td", value.toLocaleString("en"));
    return element("td", linkTo(wrong(token)[0]));
  }
  const linkTo = (token) => {
    const link = element("a", element("bdi", lookup.tokens[token]));
    link.href = addressOf(token);
    return link;
  };

  function head(names, again) {
    return element("tr", names.map(([name], index) => {
      const isSorted = index === sorted.column;
      const button = element("button", [name, element("span", isSorted ? (sorted.sign < 0 ? "▾" : "▴") : "", "mark")], "link");
      const made = element("th", button);
      made.scope = "col";
      if (isSorted) made.setAttribute("aria-sort", sorted.sign < 0 ? "descending" : "ascending");
      button.type = "button";
      button.addEventListener("click", () => {
        // Words begin with a, numbers with the largest.
        sorted.sign = isSorted ? -sorted.sign : /^(token|taken for)$/.test(name) ? 1 : -1;
        Object.assign(sorted, { column: index, page: 0 });
        draw();
        again(index);
      });
      return made;
    }));
  }
  const [table, said] = [element("table", "", "numbers even sortable"), element("p", "", "note")];
  const frame = element("div", table, "scroll");
  const least = element("input");
  const turn = (step, text) => {
    const button = element("button", text, "small");
    button.type = "button";
    button.addEventListener("click", () => {
      sorted.page += step;
      draw();
    });
    return button;
  };
  const [back, on] = [turn(-1, "Previous"), turn(1, "Next")];
  Object.assign(least, { type: "number", min: 1, value: 1 });
  least.addEventListener("input", () => {
    Object.assign(sorted, { least: Math.max(1, Number(least.value) || 1), page: 0 });
    draw();
  });
  said.setAttribute("role", "status");
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "All tokens");
  place.append(element("p", element("label", ["asked at least ", least, " times"]), "note"), said, frame, element("p", [back, " ", on], "turn"));
  offer(frame, "All tokens", { rows });

  function draw() {
    if (!place.closest("details").open) return;
    const [tokens, names] = [order(), columns()];
    const first = sorted.page * size;
    const page = tokens.slice(first, first + size);
    const again = (index) => table.tHead.rows[0].cells[index].firstChild.focus();
    table.replaceChildren(element("thead", head(names, again)), element("tbody", page.map((token) => {
      const name = element("th", linkTo(token));
      name.scope = "row";
      return element("tr", [name, ...names.slice(1).map((column) => shownCell(column, token))]);
    })));
    const [name] = names[sorted.column];
    said.textContent = `${tokens.length.toLocaleString("en")} tokens by “${name}”, ${sorted.sign < 0 ? "descending" : "ascending"}: ${tokens.length ? `${first + 1} to ${first + page.length}` : "none"}. Taken for: ${where().replace(/^A/, "a")}.`;
    back.disabled = !first;
    on.disabled = first + size >= tokens.length;
  }
  place.closest("details").addEventListener("toggle", draw);
  parts.push([["readout", "depth"], () => {
    sorted.column = Math.min(sorted.column, columns().length - 1);
    draw();
  }]);
}

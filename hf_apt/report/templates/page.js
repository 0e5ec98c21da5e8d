"use strict";
(() => {
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

  // Receipts: what is pointed at or focused says all of itself, and can be copied.
  const receipt = document.createElement("div");
  const said = document.createElement("span");
  const copy = document.createElement("button");
  receipt.id = "receipt";
  receipt.hidden = true;
  said.setAttribute("role", "status");
  copy.type = "button";
  copy.className = "small";
  receipt.append(said, copy);
  document.body.append(receipt);
  for (const target of all("[data-receipt]")) {
    target.removeAttribute("title");
    target.querySelector("title")?.remove();
  }
  function show(event) {
    if (receipt.contains(event.target)) return;
    const target = event.target.closest?.("[data-receipt]");
    if (target) {
      said.textContent = [target.dataset.receipt, document.body.dataset.receiptsEnd].filter(Boolean).join("; ");
      copy.textContent = "Copy";
      receipt.hidden = false;
    } else if (event.type !== "pointerover") receipt.hidden = true;
  }
  for (const type of ["pointerover", "focusin", "pointerdown"]) addEventListener(type, show);
  addEventListener("keydown", (event) => {
    const target = event.target.closest?.("[data-receipt]");
    if (event.key === "Escape") receipt.hidden = true;
    else if (target && event.key === "Enter") copy.focus();
  });
  copy.addEventListener("click", () => {
    // Not the clipboard's interface: a page that is opened from a file does not get it.
    getSelection().selectAllChildren(said);
    copy.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
  });

  // Every table as CSV: an estimate gives two columns, its value and its standard error.
  function rowsOf(table) {
    const plain = table.cloneNode(true);
    for (const hidden of plain.querySelectorAll(".short")) hidden.remove();
    for (const end of plain.querySelectorAll("br, .chip")) end.after(" ");
    const grid = [];
    [...plain.rows].forEach((row, y) => {
      grid[y] ??= [];
      let x = 0;
      for (const cell of row.cells) {
        while (grid[y][x] !== undefined) x += 1;
        const text = cell.textContent.replace(/\s+/g, " ").trim();
        for (let down = 0; down < cell.rowSpan; down += 1) {
          grid[y + down] ??= [];
          for (let right = 0; right < cell.colSpan; right += 1) grid[y + down][x + right] = text;
        }
      }
    });
    const numHeads = plain.tHead?.rows.length ?? 0;
    const heads = grid.slice(0, numHeads);
    const width = Math.max(...grid.map((row) => row.length));
    const header = [...Array(width).keys()].map((x) => [...new Set(heads.map((row) => row[x] ?? ""))].filter(Boolean).join(" / "));
    const body = grid.slice(numHeads);
    const columns = header.map((name, x) => {
      const cells = body.map((row) => (row[x] ?? "").split("±").map(number));
      const twice = cells.some((parts) => parts.length === 2);
      return twice ? [[name, ...cells.map((parts) => parts[0])], [`${name}, standard error`, ...cells.map((parts) => parts[1] ?? "")]]
        : [[name, ...cells.map((parts) => parts.join("±"))]];
    }).flat();
    return [...(numHeads ? [0] : []), ...body.map((_, y) => y + 1)].map((y) => columns.map((column) => column[y]));
  }
  function number(text) {
    const plain = text.trim().replace("−", "-");
    if (plain === "–") return "";
    const digits = plain.replace(/,(?=\d{3})/g, "");
    if (/^[+-]?\d+(\.\d+)?$/.test(digits)) return digits.replace("+", "");
    return /^[=+\-@]/.test(plain) ? `'${plain}` : plain;  // no spreadsheet takes it for a formula
  }
  function offerCsv(table) {
    const link = document.createElement("a");
    const line = document.createElement("p");
    const about = table.closest("[aria-label]")?.getAttribute("aria-label") ?? table.closest("section")?.querySelector("h2")?.textContent ?? "table";
    link.textContent = "CSV";
    link.setAttribute("aria-label", `${about} as CSV`);
    link.download = `${about.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}.csv`;
    const fill = () => {
      const lines = rowsOf(table).map((row) => row.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(","));
      link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(`${lines.join("\n")}\n`)}`;
    };
    link.href = "#";
    for (const type of ["pointerdown", "focus", "click"]) link.addEventListener(type, fill);
    line.className = "csv";
    line.append(link);
    (table.closest(".scroll") ?? table).after(line);
  }
  for (const table of all("main table")) offerCsv(table);

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

  if (lookup) explore();
  for (const [, draw] of parts) draw();

  function explore() {
    const detailed = Object.keys(lookup.details);
    state.readout ??= detailed[0];
    const detail = () => lookup.details[shownReadout()];
    const shownReadout = () => (detailed.includes(state.readout) ? state.readout : detailed[0]);
    const at = () => Math.min(Number(state.depth), detail().hits.length - 1);
    const where = () => {
      const place = at() ? `After ${labels.depths[at()]}` : "At the embeddings";
      return `${place}, ${labels.names[shownReadout()]}`;
    };

    function element(tag, content = "", className = "") {
      const made = document.createElement(tag);
      if (className) made.className = className;
      for (const part of [content].flat()) made.append(part);
      return made;
    }

    function chip(token, note = "", className = "") {
      const made = element("button", element("bdi", lookup.tokens[token]), `chip ${className}`);
      made.type = "button";
      if (note) made.append(element("small", note));
      made.addEventListener("click", () => {
        choose("token", token);
        find("#token").scrollIntoView({ block: "start" });
        find("#query").value = lookup.tokens[token];
        find("#query").focus({ preventScroll: true });
      });
      return made;
    }

    function chips(tokens, size, markFirst = false) {
      const made = element("span", "", "chips");
      tokens.forEach((token, index) => made.append(chip(token, "", markFirst && !index ? "own" : "")));
      if (size > tokens.length) {
        made.append(element("span", `and ${whole(size - tokens.length)} more`, "more"));
      }
      return made;
    }

    const whole = (value) => value.toLocaleString("en");
    const share = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
    const decimal = (value, places = 3) => (value === null ? "–" : value.toFixed(places).replace("-", "−"));

    function facts(rows) {
      return element("dl", rows.map(([name, value]) =>
        element("div", [element("dt", name), element("dd", value)])), "facts");
    }

    parts.push([["readout"], () => {
      const elsewhere = shownReadout() !== state.readout;
      const text = `Tokens are listed for: ${Object.values(labels.names).join(", ")}. Shown here: ${labels.names[detailed[0]]}.`;
      for (const part of all(".elsewhere")) {
        part.hidden = !elsewhere;
        part.textContent = text;
      }
    }]);

    parts.push([["readout", "depth"], () => {
      for (const part of all("[data-detail]")) part.hidden = part.dataset.detail !== shownReadout();
      for (const part of all("[data-cells]")) {
        for (const use of part.querySelectorAll("use")) use.setAttribute("href", `#${part.dataset.cells}${at()}`);
      }
      for (const button of all(".all button")) {
        button.setAttribute("aria-pressed", String(Number(button.dataset.depth) === at()));
      }
      for (const caption of all(".shown")) caption.textContent = where();
    }]);
    for (const button of all(".all button")) {
      button.addEventListener("click", () => choose("depth", button.dataset.depth));
    }

    parts.push([["readout", "depth", "definition", "threshold"], () => {
      const depth = at();
      const figures = lookup.summary[shownReadout()][depth][`${state.definition} ${state.threshold}`];
      const rows = [
        ["clusters", whole(figures.num_clusters)],
        ["tokens in them", whole(figures.num_tokens_in_clusters)],
        ["median size", figures.median_size === null ? "–" : String(figures.median_size)],
        ["largest", figures.max_size === null ? "–" : whole(figures.max_size)],
        ["kept tokens with a match", share(figures.share_with_strong_match)],
        ["answers outside right and matched", share(figures.noise_mass)],
      ];
      if (figures.agreement_previous !== null) {
        rows.push(["agreement with the depth before", decimal(figures.agreement_previous, 2)]);
      }
      if (figures.agreement_planted !== null) {
        rows.push(["agreement with planted classes", decimal(figures.agreement_planted, 2)]);
      }
      const chosen = element("p", `${where()}, ${state.definition}, ≥ ${state.threshold}`, "chosen");
      const histogram = sizes(figures.size_histogram, depth);
      find("#cluster-figures").replaceChildren(chosen, facts(rows), ...histogram);
      const examples = detail().examples[depth][state.definition][state.threshold];
      find("#cluster-examples").replaceChildren(
        ...group("Largest", examples.largest), ...group("A random draw of the others", examples.random));
    }]);

    function sizes(histogram, depth) {
      if (!Object.keys(histogram).length) return [];
      const made = element("div", "", "sizes");
      made.style.setProperty("--swatch", `var(--depth-${depth})`);
      const entries = sizeGroups(histogram);
      const most = Math.max(1, ...entries.map((entry) => entry[1]));
      for (const [label, count] of entries) {
        const bar = element("i");
        bar.style.height = `${(count / most) * 6}rem`;
        made.append(element("div", [whole(count), bar, element("b", label)]));
      }
      made.setAttribute("role", "img");
      made.setAttribute("aria-label",
        `Clusters by size: ${entries.map(([label, count]) => `${count} of ${label}`).join(", ")}`);
      return [element("p", "Clusters of each size", "note"), made];
    }

    // Sizes up to 9 have a bar each, larger ones a bar for each doubling.
    function sizeGroups(histogram) {
      const groups = new Map();
      for (const [size, count] of Object.entries(histogram).map((pair) => pair.map(Number))) {
        let label = String(size);
        if (size > 9) {
          const low = 10 * 2 ** Math.floor(Math.log2(size / 10));
          label = `${whole(low)}+`;
        }
        groups.set(label, (groups.get(label) ?? 0) + count);
      }
      return [...groups];
    }

    function group(title, examples) {
      if (!examples.length) return title === "Largest" ? [element("p", "No clusters here.", "note")] : [];
      const list = element("ul", "", "examples");
      for (const [size, ...tokens] of examples) {
        list.append(element("li", [element("span", whole(size), "size"), chips(tokens, size, state.definition === "row")]));
      }
      return [element("h3", title), list];
    }

    // Marks that tokenizers put before a token, so that "the" finds "Ġthe", "▁the" and "##the".
    const bare = lookup.tokens.map((token) => token.replace(/^(##|[Ġ▁])/, "").toLowerCase());

    function matches(query) {
      const wanted = query.toLowerCase();
      const ranked = [[], [], [], []];
      lookup.tokens.forEach((token, index) => {
        if (token === query) ranked[0].push(index);
        else if (bare[index] === wanted) ranked[1].push(index);
        else if (bare[index].startsWith(wanted)) ranked[2].push(index);
        else if (bare[index].includes(wanted) || token.toLowerCase().includes(wanted)) ranked[3].push(index);
      });
      return ranked.flat().slice(0, 12);
    }

    function search() {
      const query = find("#query").value;
      const found = query ? matches(query) : [];
      find("#matches").replaceChildren(...found.map((token) => chip(token)));
      if (query && !found.length) {
        find("#matches").append(element("span", "No token that was asked for or answered looks like that.", "more"));
      }
      return found;
    }
    find("#query").addEventListener("input", () => {
      const [first] = search();
      if (first !== undefined) choose("token", first);
    });
    find(".search").addEventListener("submit", (event) => event.preventDefault());

    parts.push([["readout", "depth", "token"], () => {
      const token = state.token;
      const support = lookup.support[token] ?? 0;
      const rows = [
        ["asked for", support || !lookup.num_left_out ? `${whole(support)} times` : "seldom or never"],
        ["in the training corpus", `${whole(lookup.frequency[token])} times`],
        ["token id", String(lookup.ids[token])],
      ];
      if (lookup.planted) rows.push(["planted class", lookup.planted[token] < 0 ? "none" : String(lookup.planted[token])]);
      const record = element("div", [element("h3", element("bdi", lookup.tokens[token])), facts(rows)], "record");
      if (support) record.append(byDepth(token, support), ...mates(token));
      else record.append(element("p", lookup.num_left_out
        ? `It is none of the ${whole(lookup.support.length)} most asked tokens, which are listed here.`
        : "It was given as an answer but never asked for, so it has no APT.", "note"));
      find("#token-record").replaceChildren(record);
      for (const table of all("#token-record table")) offerCsv(table);
    }]);

    function byDepth(token, support) {
      const head = element("tr", ["depth", "", "APT", "commonest wrong answers"].map((name) => {
        const cell = element("th", name);
        cell.scope = "col";
        return cell;
      }));
      const body = detail().hits.map((hits, depth) => {
        const apt = hits[token] / support;
        const fill = element("i");
        fill.style.cssText = `width:${apt * 100}%;--swatch:var(--depth-${depth})`;
        const bar = element("span", fill, "track");
        const error = Math.sqrt((apt * (1 - apt)) / support);
        return element("tr", [
          element("th", labels.depths[depth]),
          element("td", bar),
          element("td", `${decimal(apt)} ± ${decimal(error)}`, "value"),
          element("td", wrong(token, depth, support)),
        ]);
      });
      return element("table", [element("thead", head), element("tbody", body)], "by-depth");
    }

    function wrong(token, depth, support) {
      const listed = detail().wrong;
      if (token >= listed.num_tokens) {
        return element("span", `listed for the ${whole(listed.num_tokens)} most asked tokens`, "more");
      }
      const flat = listed.answers[depth][token];
      const made = element("span", "", "chips");
      for (let index = 0; index < flat.length; index += 2) {
        made.append(chip(flat[index], share(flat[index + 1] / support)));
      }
      if (!flat.length) made.append(element("span", "none given twice", "more"));
      return made;
    }

    function mates(token) {
      const [size, ...tokens] = detail().groups[at()].find(([, ...members]) => members.includes(token)) ?? [];
      const title = `Its cluster at depth ${at()} (mutual, ≥ ${lookup.shown_threshold})`;
      if (!size) return [element("p", `${title}: none.`, "note")];
      const others = tokens.filter((member) => member !== token);
      return [element("p", title, "note"), chips([token, ...others].slice(0, 24), size, true)];
    }

    // Begin with the token, among the hundred most asked, that has grown most.
    const { hits } = detail();
    const growth = (token) => (hits.at(-1)[token] - hits[0][token]) / lookup.support[token];
    const common = [...lookup.support.slice(0, 100).keys()];
    state.token = common.reduce((best, token) => (growth(token) > growth(best) ? token : best), 0);
  }
})();

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
  for (const target of all(".point, .receipted")) {
    const title = target.querySelector("title");
    target.dataset.receipt = title?.textContent ?? target.title;
    if (title) target.setAttribute("aria-label", title.textContent);
    title?.remove();
    target.removeAttribute("title");
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
    copyOf(said, copy);
  });

  // Every table as CSV: an estimate gives two columns, its value and its standard error.
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
    const header = [...Array(width).keys()].map((x) => [...new Set(heads.map((row) => row[x] ?? ""))].filter(Boolean).join(" / "));
    const body = grid.slice(numHeads);
    const columns = header.map((name, x) => {
      const cells = body.map((row) => (/^(token|answer|words)\b/.test(name) ? [word(row[x] ?? "")] : parted(row[x] ?? "").map(number)));
      const twice = cells.some((parts) => parts.length === 2);
      return twice ? [[name, ...cells.map((parts) => parts[0])], [`${name}, standard error`, ...cells.map((parts) => parts[1] ?? "")]]
        : [[name, ...cells.map(([text]) => text)]];
    }).flat();
    return [...(numHeads ? [0] : []), ...body.map((_, y) => y + 1)].map((y) => columns.map((column) => column[y]));
  }
  // A token is no number, no gap and no estimate, whatever it looks like.
  function parted(text) {
    return /^[+−-]?[\d.,]+ ± [\d.,]+/.test(text) ? text.split("±") : [text];
  }
  function word(text) {
    return /^[=+\-@]/.test(text) ? `'${text}` : text;  // no spreadsheet takes it for a formula
  }
  function number(text) {
    const plain = text.trim().replace("−", "-");
    if (plain === "–") return "";
    const digits = plain.replace(/,(?=\d{3})/g, "");
    if (/^[+-]?\d+(\.\d+)?$/.test(digits)) return digits.replace("+", "");
    return word(plain);
  }
  const filesOf = new Map();
  function nameOf(table) {
    const said = table.closest("[aria-label]")?.getAttribute("aria-label");
    if (said) return said;
    const titles = [table.closest("section")?.querySelector("h2"), (table.closest(".scroll") ?? table).parentElement.querySelector(":scope > :is(h3, summary)")];
    return [...new Set(titles.map((title) => title?.textContent).filter(Boolean))].join(", ") || "table";
  }
  function offerCsv(table, about = nameOf(table)) {
    const link = document.createElement("a");
    const line = document.createElement("p");
    const base = about.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
    const owners = filesOf.get(base) ?? [];
    const before = owners.filter((owner) => owner.isConnected && owner !== table);
    filesOf.set(base, [...before, table]);
    link.textContent = "CSV";
    link.setAttribute("aria-label", `${about} as CSV`);
    link.download = `${base}${before.length ? `-${before.length + 1}` : ""}.csv`;
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

  let openToken = () => {};
  if (lookup) explore();
  const walk = json("step-data");
  if (walk) walkSteps();
  for (const [, draw] of parts) draw();
  openToken();

  // A slider over the steps of a training, at one depth.
  function walkSteps() {
    const slider = find("#step");
    const words = (tokens) => tokens.map((token) => element("span", element("bdi", walk.words[token]), "chip"));
    state.step = slider.value;
    slider.closest(".walk").hidden = false;
    slider.addEventListener("input", () => choose("step", slider.value));
    parts.push([["step", "depth"], () => {
      const [step, depth] = [Number(state.step), Number(state.depth)];
      const [num, ...learnt] = walk.learnt[step][depth];
      const taken = walk.taken[step]?.[depth];
      const since = step ? `step ${walk.steps[step - 1].toLocaleString("en")}` : "";
      find("#step-name").textContent = walk.steps[step].toLocaleString("en");
      slider.setAttribute("aria-valuetext", `step ${walk.steps[step]}`);
      const rest = num - learnt.length;
      const confusions = taken?.map(([token, answer, share]) => element("li", [...words([token]), " → ", ...words([answer]), ` ${share} %`]));
      find("#step-shown").replaceChildren(
        element("p", [element("b", walk.means[step][depth]), " mean APT, ", walk.depths[depth]], "mean"),
        element("h3", since ? `Learnt since ${since}: ${num.toLocaleString("en")}` : `Learnt by then: ${num.toLocaleString("en")}`),
        element("p", [...words(learnt), ...(rest ? [element("span", `and ${rest.toLocaleString("en")} more`, "more")] : [])], "chips"),
        element("h3", "Most often taken for another"),
        taken ? element("ul", confusions, "taken") : element("p", "Answers were not kept at this step.", "note"));
    }]);

    // When one word is learnt, at each depth; `#token=word` is its address.
    const field = find("#word");
    function age() {
      const text = field.value;
      const same = (test) => walk.ages.find(([token]) => test(walk.words[token]));
      const known = text && (same((word) => word === text) ?? same((word) => bareToken(word) === text.toLowerCase()));
      const rows = known ? known.slice(1).map((step, depth) => element("tr", [
        element("th", walk.depths[depth]), element("td", step < 0 ? "not learnt" : `step ${walk.steps[step].toLocaleString("en")}`)])) : [];
      const link = known && element("a", element("bdi", walk.words[known[0]]));
      if (link) link.href = `#token=${encodeURIComponent(walk.words[known[0]])}`;
      find("#word-age").replaceChildren(...(known ? [element("p", link, "address"), element("table", element("tbody", rows), "by-depth")]
        : text ? [element("p", `No token like that is among the ${walk.ages.length.toLocaleString("en")} most asked.`, "note")] : []));
    }
    function openAge() {
      const name = /^#token=(.+)$/.exec(location.hash)?.[1];
      if (!name) return;
      field.value = decoded(name);
      age();
      field.scrollIntoView({ block: "center" });
    }
    field.addEventListener("input", age);
    field.form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("hashchange", openAge);
    openToken = openAge;
  }

  // Marks that tokenizers put before a token, so that "the" finds "Ġthe", "▁the" and "##the".
  function bareToken(token) {
    return token.replace(/^(##|[Ġ▁])/, "").toLowerCase();
  }
  function decoded(name) {
    try {
      return decodeURIComponent(name);
    } catch {
      return name;  // no percent code: the text as it stands
    }
  }

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

    function chip(token, note = "", className = "") {
      const made = element("a", element("bdi", lookup.tokens[token]), `chip ${className}`);
      made.href = addressOf(token);
      if (note) made.append(element("small", note));
      made.addEventListener("click", () => {
        goTo(token);
        find("#query").focus({ preventScroll: true });
      });
      return made;
    }

    // Every token has an address: its text, or its id where another token looks the same.
    const numberOf = new Map();
    lookup.tokens.forEach((token, index) => {
      if (!numberOf.has(token)) numberOf.set(token, index);
    });
    function addressOf(token) {
      const text = lookup.tokens[token];
      return numberOf.get(text) === token ? `#token=${encodeURIComponent(text)}` : `#token-${lookup.ids[token]}`;
    }

    function goTo(token) {
      choose("token", token);
      find("#query").value = lookup.tokens[token];
      find("#token").scrollIntoView({ block: "start" });
    }

    // An address that names a token without its tokenizer's mark finds it, too.
    function openAddress() {
      const [, sign, name] = /^#token([=-])(.+)$/.exec(location.hash) ?? [];
      if (!sign) return;
      const text = decoded(name);
      const byId = sign === "-" ? lookup.ids.indexOf(Number(name)) : -1;
      const token = sign === "-" ? byId : numberOf.get(text) ?? bare.indexOf(text.toLowerCase());
      if (token >= 0) goTo(token);
      else {
        find("#query").value = text;
        find("#token").scrollIntoView({ block: "start" });
        find("#matches").replaceChildren(element("span", sign === "-" ? `No token with the id ${text} is listed on this page.` : noToken, "more"));
      }
    }
    addEventListener("hashchange", openAddress);
    const noToken = "No token that was asked for or answered looks like that.";

    // Tokens in tables and pictures lead to their passports.
    for (const cell of all(".tokens tbody th, .answers td:nth-child(2)")) {
      const token = numberOf.get(cell.textContent);
      if (token === undefined) continue;
      const link = element("a", cell.textContent);
      link.href = addressOf(token);
      cell.replaceChildren(link);
    }
    for (const label of all(".confusion text")) {
      const token = numberOf.get(label.textContent);
      if (token === undefined) continue;
      const link = document.createElementNS(label.namespaceURI, "a");
      link.setAttribute("href", addressOf(token));
      link.setAttribute("tabindex", "-1");
      label.replaceWith(link);
      link.append(label);
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
    const times = (value) => `${whole(value)} time${value === 1 ? "" : "s"}`;
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

    const bare = lookup.tokens.map(bareToken);
    const few = 20;  // of fewer askings the binomial standard error says little, at 0 or 1 nothing

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
        find("#matches").append(element("span", noToken, "more"));
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
        ["asked for", support || !lookup.num_left_out ? times(support) : "seldom or never"],
        [`in ${labels.counted_in}`, times(lookup.frequency[token])],
        ["token id", String(lookup.ids[token])],
      ];
      if (lookup.planted) rows.push(["planted class", lookup.planted[token] < 0 ? "none" : String(lookup.planted[token])]);
      const name = element("h3", element("bdi", lookup.tokens[token]));
      const record = element("div", [name, address(token), facts(rows)], "record");
      if (support) record.append(byDepth(token, support), ...mates(token));
      else record.append(element("p", lookup.num_left_out
        ? `It is none of the ${whole(lookup.support.length)} most asked tokens, which are listed here.`
        : "It was given as an answer but never asked for, so it has no APT.", "note"));
      record.append(...contexts(token));
      find("#token-record").replaceChildren(record);
      for (const table of all("#token-record table")) offerCsv(table, `Token ${lookup.ids[token]} ${lookup.tokens[token]}, ${labels.names[shownReadout()]}`);
    }]);

    function address(token) {
      const link = element("a", addressOf(token));
      const button = element("button", "Copy link", "small");
      link.href = addressOf(token);
      button.type = "button";
      button.addEventListener("click", () => {
        find(".aside")?.remove();
        const whole = element("span", location.href.split("#")[0] + addressOf(token), "aside");
        document.body.append(whole);
        copyOf(whole, button);
        if (button.textContent === "Copied") whole.remove();
      });
      return element("p", [link, " ", button], "address");
    }

    // Of the stretches that hold the token, those with it nearest to their middle.
    function contexts(token) {
      if (!lookup.contexts) return [];
      const off = ([, numbers]) => Math.min(...numbers.map((each, index) => (each === token ? Math.abs(index - numbers.length / 2) : Infinity)));
      const listed = lookup.contexts.filter(([, numbers]) => numbers.includes(token))
        .sort((one, other) => off(one) - off(other)).slice(0, 3);
      if (!listed.length) return [element("p", "In the held-out text: no stretch with it is kept on this page.", "note")];
      const items = listed.map(([text, numbers]) => element("li", ["… ", ...text.split("\t").map((piece, index) => (
        numbers[index] === token ? [/^\s*/.exec(piece)[0], element("mark", piece.trimStart())] : piece)).flat(), " …"]));
      return [element("p", "In the held-out text", "note"), element("ul", items, "contexts")];
    }

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
        const value = support < few ? `${hits[token]} of ${support}` : `${decimal(apt)} ± ${decimal(error)}`;
        return element("tr", [
          element("th", labels.depths[depth]),
          element("td", bar),
          element("td", value, "value"),
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
    const most = [...lookup.support.slice(0, 100).keys()];
    const often = most.filter((token) => lookup.support[token] >= few);
    const common = often.length ? often : most;
    state.token = common.reduce((best, token) => (growth(token) > growth(best) ? token : best), 0);
    openToken = openAddress;
  }
})();

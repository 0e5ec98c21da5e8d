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
    const bars = sizes(figures.size_histogram, depth);
    find("#cluster-figures").replaceChildren(chosen, facts(rows));
    if (bars) {
      const frame = element("div", bars.svg, "sizes");
      find("#cluster-figures").append(element("p", "Clusters of each size", "note"), frame);
      offer(frame, bars.svg.getAttribute("aria-label"), { rows: bars.rows, picture: () => bars.svg });
    }
    const examples = detail().examples[depth][state.definition][state.threshold];
    find("#cluster-examples").replaceChildren(
      ...group("Largest", examples.largest), ...group("A random draw of the others", examples.random));
  }]);

  // Bars of the number of clusters of each size, and the numbers to save.
  function sizes(histogram, depth) {
    const entries = sizeGroups(histogram);
    if (!entries.length) return null;
    const most = Math.max(...entries.map((entry) => entry[1]));
    const [step, top] = [38, 100];
    const svg = drawn("svg", { class: "plot sizes", viewBox: `0 0 ${step * entries.length} ${top + 40}`, role: "group" });
    svg.style.width = `${step * entries.length}px`;
    svg.setAttribute("aria-label", `Clusters by size, ${state.definition}, at least ${state.threshold}, ${where()}`);
    entries.forEach(([label, count], index) => {
      const [height, middle] = [Math.max(1, (count / most) * top), step * (index + 0.5)];
      const bar = drawn("rect", { x: step * index + 2, y: top + 16 - height, width: step - 4, height, rx: 2, tabindex: 0, role: "img" });
      bar.style.fill = `var(--depth-${depth})`;
      bar.dataset.receipt = `${whole(count)} clusters of ${label} tokens, ${state.definition}, ≥ ${state.threshold}; ${where()}`;
      bar.setAttribute("aria-label", bar.dataset.receipt);
      const [above, below] = [[top + 10 - height, whole(count)], [top + 32, label]].map(([y, text]) => {
        const made = drawn("text", { x: middle, y, "text-anchor": "middle", "font-size": 11.5 });
        made.textContent = text;
        return made;
      });
      svg.append(bar, above, below);
    });
    const rows = () => [["size", "clusters"], ...Object.entries(histogram).map((pair) => pair.map(Number))];
    return { svg, rows };
  }
  function drawn(tag, attributes) {
    const made = document.createElementNS(document.querySelector("svg").namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
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
    for (const table of all("#token-record table")) offerTable(table, `Token ${lookup.ids[token]} ${lookup.tokens[token]}, ${labels.names[shownReadout()]}`);
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
      const value = element("td", support < few ? `${hits[token]} of ${support}` : `${decimal(apt)} ± ${decimal(error)}`, "value");
      value.tabIndex = 0;
      value.dataset.receipt = `APT of “${lookup.tokens[token]}”, ${labels.names[shownReadout()]}, ${labels.depths[depth]}: ${shareText(hits[token], support, few)}`;
      return element("tr", [
        element("th", labels.depths[depth]),
        element("td", bar),
        value,
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

  confusions({ detail, at, where, few });
  tokenTable({ detail, at, where, shownReadout, addressOf, few });

  // Begin with the token, among the hundred most asked, that has grown most.
  const { hits } = detail();
  const growth = (token) => (hits.at(-1)[token] - hits[0][token]) / lookup.support[token];
  const most = [...lookup.support.slice(0, 100).keys()];
  const often = most.filter((token) => lookup.support[token] >= few);
  const common = often.length ? often : most;
  state.token = common.reduce((best, token) => (growth(token) > growth(best) ? token : best), 0);
  openToken = openAddress;
}

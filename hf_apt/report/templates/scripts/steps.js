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

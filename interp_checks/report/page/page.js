"use strict";
(() => {
  const { dead, subjects } = JSON.parse(document.getElementById("data").textContent);
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  // Never rounded to 0 or 100 when it is not, nor across one of the limits, which are fractions.
  const rounded = (share, digits) => {
    const [text, step] = [(100 * share).toFixed(digits), 10 ** -digits];
    if (Number(text) === 0 && share > 0) return `<${step.toFixed(digits)}`;
    return Number(text) === 100 && share < 1 ? (100 - step).toFixed(digits) : text;
  };
  const tells = (text, share, limit) => {
    const shown = Number(text.replace("<", "")) - (text.startsWith("<") ? 1e-9 : 0);
    return Math.sign(shown - Number((100 * limit).toFixed(9))) === Math.sign(share - limit);
  };
  const percent = (count, total, digits, limits = []) => {
    if (!total) return "–";
    const share = count / total;
    for (let more = digits; more < 10; more += 1) {
      const text = rounded(share, more);
      if (limits.every((limit) => tells(text, share, limit))) return text;
    }
    return rounded(share, digits);
  };

  // What does nothing without a script is switched off, or hidden, until here.
  for (const control of all("button:disabled")) control.disabled = false;
  for (const form of all("form[hidden]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // ---------------------------------------------------------------- theme

  const theme = document.getElementById("theme");
  const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;

  function showTheme() {
    const dark = chosen === null ? systemIsDark.matches : chosen === "dark";
    theme.setAttribute("aria-pressed", dark);
  }
  theme.addEventListener("click", () => {
    chosen = theme.getAttribute("aria-pressed") === "true" ? "light" : "dark";
    document.documentElement.style.colorScheme = chosen;
    showTheme();
  });
  systemIsDark.addEventListener("change", showTheme);
  showTheme();

  // --------------------------------------------------------------- claims

  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const file = document.getElementById("file");
  const wordsOf = (text) => text.toLowerCase().split(/[^\p{L}\p{N}.]+/u).filter(Boolean);
  const groups = all(".group").map((element) => ({
    element,
    file: element.dataset.file,
    claims: all(".claim", element).map((claim) => ({
      element: claim,
      status: claim.dataset.status,
      said: ` ${all(".source, .sentence", one("summary", claim))
        .flatMap((element) => wordsOf(element.textContent)).join(" ")}`,
      test: one("code", claim).textContent.toLowerCase(),
    })),
  }));
  const total = sum(groups.map((group) => group.claims.length));

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    const words = wordsOf(wanted);
    const isFound = ({ said, test }) =>
      (words.length && words.every((word) => said.includes(` ${word}`))) || test.includes(wanted);
    let shown = 0;
    for (const group of groups) {
      let here = 0;
      for (const claim of group.claims) {
        const fits = (!status.value || claim.status === status.value)
          && (!file.value || group.file === file.value)
          && (!wanted || isFound(claim));
        claim.element.hidden = !fits;
        here += fits;
      }
      group.element.hidden = !here;
      shown += here;
    }
    for (const chip of all(".chip")) {
      chip.setAttribute("aria-pressed", chip.dataset.status === status.value);
    }
    document.getElementById("shown").textContent = `${shown} of ${total} claims shown`;
    document.getElementById("nothing").hidden = shown > 0 || total === 0;
  }

  search.addEventListener("input", filter);
  for (const select of [status, file]) select.addEventListener("change", filter);
  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      status.value = status.value === chip.dataset.status ? "" : chip.dataset.status;
      filter();
    });
  }
  document.getElementById("reset").addEventListener("click", () => {
    search.value = status.value = file.value = "";
    filter();
    search.focus();
  });
  function unfold(open) {
    for (const claim of all(".claim:not([hidden])")) claim.open = open;
  }
  document.getElementById("unfold").addEventListener("click", () => unfold(true));
  document.getElementById("fold").addEventListener("click", () => unfold(false));
  filter(); // a browser that comes back to the page fills the form in again

  // ---------------------------------------------------- confusion matrices

  /** Write counts (a function of true and predicted class) into a matrix that is there. */
  function matrixFiller(table, support) {
    const rows = all("tbody tr", table).map((row) => all("td:not(.total)", row).map((cell) => ({
      cell, count: one("b", cell), share: one("small", cell),
    })));
    const sums = all("tfoot td:not(.total)", table);
    return (countOf) => {
      const predicted = support.map(() => 0);
      rows.forEach((cells, row) => cells.forEach(({ cell, count, share }, column) => {
        const found = countOf(row, column);
        predicted[column] += found;
        cell.style.setProperty("--d", support[row] ? (found / support[row]).toFixed(3) : 0);
        count.textContent = found || "·";
        share.textContent = found && 200 * found >= support[row]
          ? `${percent(found, support[row], 0)}%` : "";
      }));
      sums.forEach((cell, column) => { cell.textContent = predicted[column]; });
    };
  }

  function tell(element, sentence, right, images) {
    one(".sentence", element).textContent = sentence;
    one(".accuracy", element).textContent =
      `accuracy ${percent(right, images, 2)} % (${right} of ${images})`;
  }

  function ablationSwitch(section) {
    const subject = subjects[section.dataset.subject];
    const panel = one(".panel", section);
    if (!panel) {
      for (const button of all(".pick", section)) button.disabled = true;
      return;
    }
    const select = one("select", panel);
    const rows = all("tr[data-row]", section);
    const fill = matrixFiller(one(".matrix", panel), subject.support);
    const previous = one(".previous", panel);
    const next = one(".next", panel);

    function show(number) {
      const { sentence, counts } = subject.rows[number];
      const right = sum(counts.map((row, index) => row[index]));
      fill((row, column) => counts[row][column]);
      tell(panel, sentence, right, sum(subject.support));
      select.value = number;
      rows.forEach((row, index) => {
        row.classList.toggle("picked", index === number);
        one("button", row).setAttribute("aria-pressed", index === number);
        one("button", row).tabIndex = index === number ? 0 : -1;
      });
    }
    const step = (by) => show((select.selectedIndex + by + rows.length) % rows.length);

    select.addEventListener("change", () => show(select.selectedIndex));
    previous.addEventListener("click", () => step(-1));
    next.addEventListener("click", () => step(1));
    rows.forEach((row, number) => {
      row.addEventListener("click", () => {
        show(number);
        panel.scrollIntoView({ block: "nearest" });
      });
      // One stop for Tab, arrows within: there are dozens of rows.
      row.addEventListener("keydown", (event) => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!by || !rows[number + by]) return;
        event.preventDefault();
        show(number + by);
        one("button", rows[number + by]).focus();
      });
    });
    show(select.selectedIndex);
  }
  all(".ablations").forEach(ablationSwitch);

  // --------------------------------------------------- sets of directions

  const listed = (words) => (words.length < 2
    ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

  /**
   * The set that stays as the claim language says it, the shorter way. Words of the fill say what
   * stands in the place of one direction, of several, and of the others; none for the subject's own.
   */
  function sentenceOf(kept, directions, words) {
    if (kept.length === directions) return "keeping every direction";
    const beside = words ? ` with ${words[2]}` : "";
    if (!kept.length) return `keeping no direction${beside}`;
    const dropped = numbersTo(directions).filter((number) => !kept.includes(number));
    const named = (numbers) =>
      `${numbers.length === 1 ? "direction" : "directions"} ${listed(numbers)}`;
    if (2 * kept.length <= directions) return `keeping only ${named(kept)}${beside}`;
    if (!words) return `dropping ${named(dropped)}`;
    return `replacing ${named(dropped)} by ${words[dropped.length === 1 ? 0 : 1]}`;
  }
  const numbersTo = (count) => Array.from({ length: count }, (_, index) => index + 1);

  /** A function from a mask and a cell to a count; see SubsetCounts.packed. */
  async function unpacked({ directions, width }, data, classes) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const view = new DataView(await new Response(stream).arrayBuffer());
    const read = (at) => (width === 2 ? view.getUint16(at, true) : view.getUint32(at, true));
    return (mask, row, column) =>
      read(width * (((row * classes + column) << directions) + mask));
  }

  async function explorer(section) {
    const element = one(".explorer", section);
    const { support, lattice } = subjects[section.dataset.subject];
    const key = `keep${Number(section.dataset.subject) + 1}`;
    const fillKey = `fill${Number(section.dataset.subject) + 1}`;
    if (!element) {
      for (const button of all(".set", section)) button.disabled = true;
      return;
    }
    const counts = {};
    try {
      for (const [name, data] of Object.entries(lattice.data)) {
        counts[name] = await unpacked(lattice, data, support.length);
      }
    } catch {
      one("[data-broken]", section).hidden = false;
      for (const button of all(".set", section)) button.disabled = true;
      return;
    }
    const boxes = all("input", element);
    const filled = one(".fill select", element);
    const fillOf = () => (filled ? filled.value : lattice.fill);
    const fill = matrixFiller(one(".matrix", element), support);
    const bars = all(".bars tbody tr", element).map((row) => ({
      row, track: one(".track", row), recall: one(".recall", row), right: one(".of", row),
    }));

    function show() {
      const countOf = counts[fillOf()];
      const kept = boxes.filter((box) => box.checked).map((box) => Number(box.value));
      const mask = sum(kept.map((number) => 1 << (number - 1)));
      const right = support.map((_, row) => countOf(mask, row, row));
      fill((row, column) => countOf(mask, row, column));
      bars.forEach((bar, row) => {
        const recall = support[row] ? right[row] / support[row] : null;
        const isDead = recall !== null && recall < dead;
        bar.row.classList.toggle("dead", isDead);
        bar.track.style.setProperty("--v", recall ?? 0);
        bar.recall.textContent = `${isDead ? "✕ " : ""}${percent(right[row], support[row], 1, [dead])} %`;
        bar.right.textContent = `${right[row]} of ${support[row]}`;
      });
      const sentence = sentenceOf(kept, boxes.length, lattice.words[fillOf()]);
      tell(element, sentence, sum(right), sum(support));
      keepInAddress(key, kept.length === boxes.length ? null : kept.join("."));
      keepInAddress(fillKey, fillOf() === lattice.fill ? null : fillOf());
    }
    function keep(kept) {
      for (const box of boxes) box.checked = kept(Number(box.value), box.checked);
      show();
    }
    function readAddress() {
      const known = new URLSearchParams(location.hash.slice(1));
      const [kept, fill] = [known.get(key), known.get(fillKey)];
      if (filled && fill in counts) filled.value = fill;
      if (kept === null) return false;
      keep((number) => kept.split(".").includes(String(number)));
      return true;
    }

    for (const control of [...boxes, filled]) control?.addEventListener("change", show);
    one(".all", element).addEventListener("click", () => keep(() => true));
    one(".no", element).addEventListener("click", () => keep(() => false));
    one(".invert", element).addEventListener("click", () => keep((_, checked) => !checked));
    for (const button of all(".set", section)) {
      const drops = "dropping" in button.dataset;
      const named = (drops ? button.dataset.dropping : button.dataset.keeping).split(".");
      button.addEventListener("click", () => {
        keep((number) => named.includes(String(number)) !== drops);
        element.scrollIntoView({ block: "start" });
      });
    }
    addEventListener("hashchange", readAddress);
    element.hidden = false;
    if (readAddress()) section.scrollIntoView();
    else show();
  }

  function keepInAddress(key, kept) {
    const known = new URLSearchParams(location.hash.slice(1));
    // Another part of the page may be what the address names.
    const state = new URLSearchParams([...known].filter(([name]) => /^(keep|fill)\d+$/.test(name)));
    if (kept === null && !state.has(key)) return;
    if (kept === null) state.delete(key);
    else state.set(key, kept);
    history.replaceState(null, "", `#${state}`);
  }
  all(".sets").forEach(explorer);
})();

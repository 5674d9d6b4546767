"use strict";

/* The box in which a question can be tried. What is pasted goes nowhere, and enters the page as text only. */
(() => {
  const MOST_TERMS = 10; // for the target, and as many against it
  const LEAST = 0.005; // log-odds that are shown as more than 0
  const PAUSE = 200; // milliseconds after the last key
  const FIELD_NAMES = { text: "", numeric: "of the question", keyword: "" }; // text is all that there is

  const form = document.getElementById("try-it-form");
  const result = document.getElementById("try-it-result");
  const status = document.getElementById("try-it-status");
  const exported = JSON.parse(document.getElementById("exported-model").textContent);
  const { title, body, asked } = form.elements;

  const create = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const signed = (value) => (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);
  const fill = (name, ...children) => result.querySelector(`[data-part="${name}"]`).replaceChildren(...children);

  function createdAt() {
    return Math.floor((asked?.value ? Date.parse(`${asked.value}T12:00Z`) : Date.now()) / 1000);
  }

  function rows(contributions, largest) {
    if (!contributions.length) {
      const nothing = create("td", "nothing", "quiet");
      nothing.colSpan = 3;
      const row = create("tr");
      row.append(nothing);
      return [row];
    }
    return contributions.map(({ field, term, value, places }) => {
      const row = create("tr");
      const times = places.length > 1 ? ` \u00d7\u00a0${places.length}` : "";
      const name = create("td");
      name.append(create("code", term), create("span", ` ${FIELD_NAMES[field] ?? field}${times}`, "quiet"));
      const bar = create("span", undefined, value < 0 ? "bar against" : "bar");
      bar.style.inlineSize = `${(100 * Math.abs(value)) / largest}%`;
      const drawn = create("td", undefined, "drawn");
      drawn.append(bar);
      row.append(name, drawn, create("td", signed(value)));
      return row;
    });
  }

  /** Returns a text in which the terms stand out, by what they add. */
  function marked(text, field, contributions, largest) {
    const places = contributions
      .flatMap(({ value, places: found }) => found.filter((place) => place.field === field).map((place) => ({ ...place, value })))
      .filter(({ value }) => Math.abs(value) >= largest / 20)
      .sort((one, other) => one.begin - other.begin || other.end - one.end);
    const pieces = [];
    let done = 0;
    for (const { begin, end, value } of places) {
      if (begin < done) continue; // within a pair that is marked
      const mark = create("mark", text.slice(begin, end), value < 0 ? "against" : "");
      mark.title = signed(value);
      mark.style.setProperty("--strength", `${Math.round((100 * Math.abs(value)) / largest)}%`);
      pieces.push(text.slice(done, begin), mark);
      done = end;
    }
    return [...pieces, text.slice(done)];
  }

  function show(model) {
    const question = { title: title.value, body: body.value, createdAt: createdAt() };
    const isEmpty = !question.title.trim() && !question.body.trim();
    result.hidden = isEmpty;
    if (isEmpty) {
      status.textContent = "Nothing to score yet.";
      return;
    }
    const { probability, logOdds, intercept, contributions, texts } = model.score(question);
    const isTarget = probability >= exported.threshold;
    const verdict = isTarget ? "Flagged as about" : "Not flagged as about";
    status.textContent = `${verdict} ${exported.target_tag}: probability ${probability.toFixed(3)}, threshold ${exported.threshold.toFixed(3)}.`;
    status.dataset.probability = String(probability);

    result.querySelector(".level").style.inlineSize = `${100 * probability}%`;
    result.querySelector(".threshold").style.insetInlineStart = `${100 * exported.threshold}%`;
    const ordered = contributions.filter(({ value }) => value).sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
    const largest = Math.abs(ordered[0]?.value ?? 1);
    const pro = ordered.filter(({ value }) => value >= LEAST).slice(0, MOST_TERMS);
    const contra = ordered.filter(({ value }) => value <= -LEAST).slice(0, MOST_TERMS);
    const listed = [...pro, ...contra];
    fill("for", ...rows(pro, largest));
    fill("against", ...rows(contra, largest));
    const sum = (some) => some.reduce((total, { value }) => total + value, 0);
    const others = sum(ordered) - sum(listed);
    fill(
      "sum",
      `A question without any term: ${signed(intercept)}; the terms above: ${signed(sum(listed))}; ` +
        `${(ordered.length - listed.length).toLocaleString("en")} others: ${signed(others)}. ` +
        `Log-odds ${signed(logOdds)}, which the calibration makes a probability of ${probability.toFixed(3)}.`,
    );
    const fields = model.fields;
    for (const element of result.querySelectorAll("[data-field]")) {
      const { field } = element.dataset;
      element.hidden = !fields.has(field);
      if (!element.hidden) element.lastElementChild.replaceChildren(...marked(texts[field], field, ordered, largest));
    }
  }

  scorer.Model.load(exported.model).then(
    (model) => {
      let waiting = 0;
      const soon = () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => show(model), PAUSE);
      };
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        show(model);
      });
      form.addEventListener("input", soon);
      form.addEventListener("reset", soon);
      form.querySelector("[data-action=clear]").addEventListener("click", () => {
        title.value = body.value = "";
        title.focus();
        show(model);
      });
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
      show(model);
    },
    () => {
      status.textContent = "This browser cannot unpack the model; a newer one can.";
    },
  );
})();

"use strict";

/** Values with their intervals, one below the other on a common axis. */
const dotPlot = (() => {
  const { fixed, html, svg } = page;

  /** Return a domain that holds all numbers, with round ends; from 0 where that leaves the numbers apart. */
  function domain(numbers) {
    const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
    const step = most <= 0.2 ? 0.05 : 0.1;
    const from = least > 0.4 ? Math.floor(least / step + 1e-9) * step : 0;
    const to = Math.ceil(most / step - 1e-9) * step;
    return [Number(from.toFixed(2)), Number(Math.max(to, from + step).toFixed(2))];
  }

  const at = (share) => `${(100 * share).toFixed(2)}%`;

  /**
   * Draw rows into an element, in place of what was there.
   *
   * groups: each a `name`, perhaps empty, and `rows` of `name`, `value`, `low`, `high` (null where not known), `style`.
   * reference: null, or a `name` and a `value` to compare with.
   */
  function draw(element, label, groups, reference = null) {
    const rows = groups.flatMap((group) => group.rows);
    const known = rows.flatMap((row) => [row.value, row.low, row.high]).filter((number) => number !== null);
    const [from, to] = domain([...known, ...(reference ? [reference.value] : [0])]);
    const place = (value) => at((value - from) / (to - from));
    const marks = chart.ticks([from, to], 5);

    function track(row) {
      const line = svg("svg", { class: "track", width: "100%", height: 22 });
      for (const mark of marks) line.append(svg("line", { class: "rule", x1: place(mark), x2: place(mark), y1: 0, y2: 22 }));
      if (reference) {
        const x = place(reference.value);
        line.append(svg("line", { class: "reference", x1: x, x2: x, y1: 0, y2: 22 }));
      }
      if (row.low !== null) line.append(svg("line", { class: "whisker", x1: place(row.low), x2: place(row.high), y1: 11, y2: 11 }));
      if (row.value !== null) line.append(svg("circle", { cx: place(row.value), cy: 11, r: 5 }));
      return line;
    }

    const lines = groups.flatMap((group) => [
      ...(group.name ? [html("div", { class: "group" }, group.name)] : []),
      ...group.rows.map((row) =>
        html(
          "div",
          { class: `row ${row.style ?? ""}` },
          html("span", { class: "name" }, row.name),
          html("span", { class: "line" }, track(row)),
          html("span", { class: "value" }, fixed(row.value), row.low === null ? "" : html("small", {}, ` [${fixed(row.low)}, ${fixed(row.high)}]`)),
        ),
      ),
    ]);
    const axis = svg("svg", { class: "track axis", width: "100%", height: 18 });
    for (const mark of marks) {
      const anchor = mark === from ? "start" : mark === to ? "end" : "middle";
      axis.append(svg("text", { x: place(mark), y: 13, "text-anchor": anchor }, String(mark)));
    }
    lines.push(html("div", { class: "row", "aria-hidden": "true" }, html("span", { class: "name" }), html("span", { class: "line" }, axis), html("span", { class: "value" })));
    if (reference) lines.push(html("p", { class: "quiet" }, `The dashed rule: ${reference.name}, ${fixed(reference.value)}.`));
    element.replaceChildren(html("div", { class: "dots", role: "group", "aria-label": label }, ...lines));
  }

  /** Let a person choose a metric, beginning with the first, and draw it. */
  function choose(figure, metrics, drawMetric) {
    const select = figure.querySelector("select");
    for (const [key, metric] of Object.entries(metrics)) select.append(html("option", { value: key }, metric.name));
    const update = () => drawMetric(figure.querySelector(".plot"), metrics[select.value]);
    select.addEventListener("change", update);
    update();
  }

  return { choose, draw };
})();

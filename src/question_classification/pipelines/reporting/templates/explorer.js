"use strict";

/** What becomes of the test set at a threshold, counted here from the scores: a slider, and all that goes with it. */
const explorer = (() => {
  const { count, data, fixed, html, percent, svg } = page;
  const { at, positives, negatives, chosen, policies } = data.thresholds;

  // How many questions of each class score at least each threshold: sums from the place of the threshold on.
  const sumsFrom = (counts) => {
    let sum = 0;
    return counts.map((_, index) => (sum += counts[counts.length - 1 - index])).reverse();
  };
  const found = sumsFrom(positives);
  const alarms = sumsFrom(negatives);
  const [targets, others] = [found[0], alarms[0]];
  const all = targets + others;

  /** Return what a threshold gives; where nothing is flagged, there is no precision. */
  function outcome(place) {
    const [hit, alarm] = [found[place], alarms[place]];
    return {
      threshold: at[place],
      true_positive: hit,
      false_positive: alarm,
      false_negative: targets - hit,
      true_negative: others - alarm,
      flagged: (1000 * (hit + alarm)) / all,
      precision: hit + alarm ? hit / (hit + alarm) : null,
      recall: hit / targets,
      f1: (2 * hit) / (hit + alarm + targets),
      false_positive_rate: alarm / others,
    };
  }

  function start(root) {
    const range = root.querySelector("input[type=range]");
    const value = root.querySelector("output");
    const followers = [];
    const presets = policies.map((policy) => {
      const button = html("button", { type: "button" }, policy.name, " ", html("small", {}, fixed(at[policy.place])));
      button.addEventListener("click", () => set(policy.place));
      return button;
    });
    root.querySelector(".presets").append(...presets);

    function set(place) {
      range.value = place;
      update();
    }

    function update() {
      const now = outcome(Number(range.value));
      value.textContent = fixed(now.threshold);
      for (const shown of root.querySelectorAll("[data-show]")) {
        shown.textContent = fixed(now[shown.dataset.show], shown.dataset.show === "flagged" ? 1 : 3);
      }
      for (const cell of root.querySelectorAll("[data-cell]")) {
        const rows = now[cell.dataset.cell];
        cell.querySelector("b").textContent = count(rows);
        cell.querySelector("small").textContent = fixed((1000 * rows) / all, 1);
        cell.style.setProperty("--share", `${((100 * rows) / all).toFixed(1)}%`);
      }
      range.setAttribute(
        "aria-valuetext",
        `${fixed(now.threshold)}: precision ${now.precision === null ? "not defined" : percent(now.precision)}, recall ${percent(now.recall)}, ` +
          `${fixed(now.flagged, 1)} of 1,000 flagged`,
      );
      presets.forEach((button, index) => button.setAttribute("aria-pressed", policies[index].place === Number(range.value)));
      followers.forEach((follow) => follow(now));
    }

    range.addEventListener("input", update);
    drawCurves(root.querySelector(".plot"), (follow) => followers.push(follow), set);
    set(chosen);
    return {
      /** Tell someone of every threshold, beginning with the present one. */
      follow(callback) {
        followers.push(callback);
        callback(outcome(Number(range.value)));
      },
      now: () => outcome(Number(range.value)),
    };
  }

  /** Draw precision and recall by threshold, which the slider below lies under. */
  function drawCurves(element, follow, set) {
    const share = (values, sx, sy) => chart.line(values.map((each, place) => [sx(at[place]), sy(each)]));
    const every = at.map((_, index) => outcome(index));
    const last = every.findLastIndex((each) => each.flagged > 0); // beyond, there is no precision to speak of
    let scales = null;
    const marker = svg("g", { class: "cursor" });
    const place = (now) => {
      if (!scales) return;
      const [sx, sy] = scales;
      const x = sx(now.threshold);
      marker.replaceChildren(
        svg("line", { x1: x, x2: x, y1: sy(1), y2: sy(0) }),
        svg("circle", { class: "recall", cx: x, cy: sy(now.recall), r: 5 }),
      );
      if (now.precision !== null) marker.append(svg("circle", { class: "precision", cx: x, cy: sy(now.precision), r: 5 }));
    };
    let present = outcome(chosen);
    chart.plot(element, {
      label: "Precision and recall of the selected candidate by threshold",
      height: (width) => Math.max(190, Math.min(300, width * 0.42)),
      x: { domain: [0, 1], format: String, name: "Threshold" },
      y: { domain: [0, 1], format: String },
      pick: (threshold) => set(chart.nearest(at, threshold)),
      draw(layer, sx, sy) {
        scales = [sx, sy];
        for (const policy of policies) {
          const x = sx(at[policy.place]);
          layer.append(svg("line", { class: "policy", x1: x, x2: x, y1: sy(1), y2: sy(0) }, svg("title", {}, policy.name)));
        }
        layer.append(svg("path", { class: "curve precision", d: share(every.slice(0, last + 1).map((each) => each.precision), sx, sy) }));
        layer.append(svg("path", { class: "curve recall", d: share(every.map((each) => each.recall), sx, sy) }));
        layer.append(marker);
        place(present);
      },
    });
    element.after(
      html("p", { class: "key" }, html("span", { class: "precision" }, "Precision"), html("span", { class: "recall" }, "Recall")),
    );
    follow((now) => place((present = now)));
  }

  return { outcome, start };
})();

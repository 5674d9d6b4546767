"use strict";

/** Each chart of the report in its place. */
(() => {
  const { count, data, fixed, html, percent, svg } = page;
  const figure = (id) => document.getElementById(id);
  const ofSeries = (index) => `series-${index}${data.candidates[index].selected ? " selected" : ""}`;

  function drawMonths() {
    const root = figure("months-chart");
    const { month, questions, positives } = data.months;
    // The running share is that of twelve months, of which a month is the seventh; at the ends, of those there are.
    const running = month.map((_, index) => {
      const sum = (counts) => counts.slice(Math.max(0, index - 6), index + 6).reduce((total, each) => total + each, 0);
      return sum(questions) ? sum(positives) / sum(questions) : null;
    });
    const shares = questions.map((all, index) => (all ? positives[index] / all : null));
    const isLong = month.length > 24;
    const most = Math.max(...(isLong ? running : shares).filter((share) => share !== null));
    const top = Math.min(1, 1.35 * most);
    const readout = html("p", { "aria-hidden": "true" });
    root.querySelector(".readout").append(readout);
    const describe = (index) =>
      `${month[index]}: ${count(questions[index])} questions, ${count(positives[index])} about the target` +
      (shares[index] === null ? "" : `, ${percent(shares[index])}`) +
      (isLong && running[index] !== null ? `; ${percent(running[index])} in twelve months` : "");
    const years = month.map((each, index) => [each, index]).filter(([each]) => each.endsWith("-01"));
    chart.plot(root.querySelector(".plot"), {
      label: "Share of the target by month",
      height: (width) => Math.max(220, Math.min(320, width * 0.4)),
      x: {
        domain: [0, Math.max(month.length - 1, 1)],
        ticks: years.length > 1 ? years.map(([, index]) => index) : [0, month.length - 1],
        format: (index) => (years.length > 1 ? month[index].slice(0, 4) : month[index]),
        name: "Month of creation",
      },
      y: { domain: [0, top || 1], format: (share) => `${Number((100 * share).toFixed(2))} %` },
      draw(layer, sx, sy, width) {
        const each = Math.max(1, ((width - 60) / month.length) * 0.7);
        shares.forEach((share, index) => {
          if (share === null) return;
          const y = sy(Math.min(share, top));
          layer.append(svg("rect", { class: "month", x: sx(index) - each / 2, y, width: each, height: sy(0) - y }));
        });
        const points = running.map((share, index) => [sx(index), share]).filter(([, share]) => share !== null);
        if (isLong) layer.append(svg("path", { class: "curve accent", d: chart.line(points.map(([x, share]) => [x, sy(share)])) }));
      },
      stops: month.map((_, index) => index),
      start: month.length - 1,
      describe,
      show: (index) => (readout.textContent = describe(index)),
    });
  }

  function drawCandidates() {
    dotPlot.choose(figure("candidates-chart"), data.metrics, (element, metric) => {
      const rows = metric.values.map(([value, low, high], index) => ({
        name: data.candidates[index].name,
        style: data.candidates[index].selected ? "selected" : "",
        value,
        low,
        high,
      }));
      dotPlot.draw(element, `${metric.name}, ${metric.better} is better`, [{ name: `${metric.name}: ${metric.better} is better`, rows }], metric.reference);
    });
  }

  /** Draw a curve of each candidate; `read` gives the value of a curve at a place. */
  function drawCurves(id, { curves, metric, x, y, steps, read, reference, dot }, exploring) {
    const root = figure(id);
    const area = data.metrics[metric];
    const stops = Array.from({ length: 101 }, (_, index) => index / 100);
    const rows = data.candidates.map(({ name }, index) => ({
      name,
      style: ofSeries(index),
      note: fixed(area.values[index][0]),
    }));
    const { title, cells } = chart.legend(root.querySelector(".readout"), ["Candidate", area.name, ""], rows);
    const values = (index) => curves.map((curve) => read(curve, stops[index]));
    const dots = svg("circle", { class: "threshold", r: 6 });
    let scales = null;
    const place = (now) => {
      if (!scales) return;
      const at = dot(now);
      dots.setAttribute("visibility", at.includes(null) ? "hidden" : "visible");
      dots.setAttribute("cx", scales[0](at[0]));
      dots.setAttribute("cy", scales[1](at[1]));
    };
    chart.plot(root.querySelector(".plot"), {
      label: `${y} by ${x.toLowerCase()}, a curve of each candidate`,
      height: (width) => Math.max(240, Math.min(440, width * 0.9)),
      x: { domain: [0, 1], format: String, name: x },
      y: { domain: [0, 1], format: String },
      draw(layer, sx, sy) {
        scales = [sx, sy];
        layer.append(svg("path", { class: "reference", d: chart.line(reference.map(([left, right]) => [sx(left), sy(right)])) }));
        curves.forEach((curve, index) => {
          const points = curve.x.map((each, point) => [sx(each), sy(curve.y[point])]);
          layer.append(svg("path", { class: `curve ${ofSeries(index)}`, d: chart.line(points, steps) }));
        });
        layer.append(dots);
        place(exploring.now());
      },
      stops,
      start: 50,
      describe: (index) =>
        `${x} ${fixed(stops[index], 2)}: ` +
        values(index).map((value, each) => `${data.candidates[each].name}, ${y.toLowerCase()} ${fixed(value)}`).join("; "),
      show(index, cursor, sx, sy) {
        title.textContent = `${y} at ${x.toLowerCase()} ${fixed(stops[index], 2)}`;
        values(index).forEach((value, each) => {
          cells[each].textContent = fixed(value);
          if (value !== null) cursor.append(svg("circle", { class: ofSeries(each), cx: sx(stops[index]), cy: sy(value), r: 3.5 }));
        });
      },
    });
    exploring.follow(place);
  }

  /** Return the precision from which a recall is reached: the curve is a step function. */
  function readPrecision(curve, recall) {
    const point = curve.x.findIndex((each) => each >= recall - 1e-9);
    return point < 0 ? null : curve.y[point];
  }

  /** Return the highest true positive rate at a false positive rate, between two points on the line that joins them. */
  function readRate(curve, rate) {
    const after = curve.x.findIndex((each) => each > rate);
    if (after < 0) return curve.y.at(-1);
    if (after === 0) return curve.y[0];
    const [x0, x1, y0, y1] = [curve.x[after - 1], curve.x[after], curve.y[after - 1], curve.y[after]];
    return y0 + ((rate - x0) / (x1 - x0)) * (y1 - y0);
  }

  function drawReliability() {
    const root = figure("reliability-chart");
    const points = data.reliability;
    const most = Math.min(1, 1.1 * Math.max(...points.flatMap((point) => [point.high, point.mean_score])));
    const readout = html("p", { "aria-hidden": "true" });
    root.querySelector(".readout").append(readout);
    const describe = (index) => {
      const { mean_score, share_positive, low, high, n } = points[index];
      return `${count(n)} questions with a mean probability of ${fixed(mean_score)}: ${fixed(share_positive)} [${fixed(low)}, ${fixed(high)}] are about the target`;
    };
    chart.plot(root.querySelector(".plot"), {
      label: "Share of the target by probability",
      height: (width) => Math.max(240, Math.min(400, width * 0.62)),
      x: { domain: [0, most], format: String, name: "Mean probability of the bin" },
      y: { domain: [0, most], format: String },
      draw(layer, sx, sy) {
        layer.append(svg("path", { class: "reference", d: chart.line([[sx(0), sy(0)], [sx(most), sy(most)]]) }));
        layer.append(svg("path", { class: "curve accent", d: chart.line(points.map((point) => [sx(point.mean_score), sy(point.share_positive)])) }));
        drawIntervals(layer, points.map((point) => ({ x: sx(point.mean_score), y: sy(point.share_positive), low: sy(point.low), high: sy(point.high) })));
      },
      stops: points.map((point) => point.mean_score),
      start: points.length - 1,
      describe,
      show: (index) => (readout.textContent = describe(index)),
    });
  }

  function drawIntervals(layer, points) {
    for (const { x, y, low, high, style } of points) {
      if (low !== null) layer.append(svg("line", { class: "whisker", x1: x, x2: x, y1: low, y2: high }));
      layer.append(svg("circle", { class: style ?? "point", cx: x, cy: y, r: 5 }));
    }
  }

  function drawSlices() {
    dotPlot.choose(figure("slices-chart"), data.slices, (element, metric) => dotPlot.draw(element, metric.name, metric.groups));
  }

  function drawLearningCurve() {
    const root = figure("learning-curve-chart");
    if (!root) return;
    const points = data.learning_curve;
    const ends = points.flatMap((point) => [point.average_precision, point.low, point.high]).filter((each) => each !== null);
    const [least, most] = [Math.max(0, Math.min(...ends) - 0.02), Math.min(1, Math.max(...ends) + 0.02)];
    const sizes = points.map((point) => point.train_size);
    const readout = html("p", { "aria-hidden": "true" });
    root.querySelector(".readout").append(readout);
    const describe = (index) => {
      const { train_size, average_precision, low, high, extrapolated } = points[index];
      const interval = low === null ? "" : ` [${fixed(low)}, ${fixed(high)}]`;
      return `${count(train_size)} training questions: average precision ${fixed(average_precision)}${interval}, ${extrapolated ? "extrapolated" : "measured"}`;
    };
    chart.plot(root.querySelector(".plot"), {
      label: "Average precision by number of training questions",
      height: (width) => Math.max(230, Math.min(360, width * 0.5)),
      x: { domain: [sizes[0] * 0.9, sizes.at(-1) * 1.1], ticks: sizes, log: true, format: count, name: "Training questions" },
      y: { domain: [least, most], format: String },
      draw(layer, sx, sy) {
        const spots = points.map((point) => [sx(point.train_size), sy(point.average_precision)]);
        const measured = points.filter((point) => !point.extrapolated).length;
        layer.append(svg("path", { class: "curve accent", d: chart.line(spots.slice(0, measured)) }));
        layer.append(svg("path", { class: "curve accent dashed", d: chart.line(spots.slice(measured - 1)) }));
        drawIntervals(
          layer,
          points.map((point, index) => ({
            x: spots[index][0],
            y: spots[index][1],
            low: point.low === null ? null : sy(point.low),
            high: point.high === null ? null : sy(point.high),
            style: point.extrapolated ? "point hollow" : "point",
          })),
        );
      },
      stops: sizes,
      start: points.filter((point) => !point.extrapolated).length - 1,
      describe,
      show: (index) => (readout.textContent = describe(index)),
    });
  }

  /** Let the keyboard scroll a box where there is something to scroll. */
  function watchScrolling() {
    const observer = new ResizeObserver((entries) => {
      for (const { target } of entries) {
        if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    });
    document.querySelectorAll(".scroll, pre").forEach((box) => observer.observe(box));
  }

  /** Mark in the contents which section is being read. */
  function watchSections() {
    const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          if (!isIntersecting) continue;
          links.forEach((link) => link.removeAttribute("aria-current"));
          links.get(target.id).setAttribute("aria-current", "true");
        }
      },
      { rootMargin: "-20% 0px -75% 0px" },
    );
    for (const id of links.keys()) observer.observe(figure(id));
  }

  const exploring = explorer.start(figure("explorer"));
  const prevalence = data.metrics.average_precision.reference.value;
  drawMonths();
  drawCandidates();
  drawCurves(
    "precision-recall-chart",
    {
      curves: data.precision_recall,
      metric: "average_precision",
      x: "Recall",
      y: "Precision",
      steps: true,
      read: readPrecision,
      reference: [[0, prevalence], [1, prevalence]],
      dot: (now) => [now.recall, now.precision],
    },
    exploring,
  );
  drawCurves(
    "roc-chart",
    {
      curves: data.roc,
      metric: "roc_auc",
      x: "False positive rate",
      y: "True positive rate",
      steps: false,
      read: readRate,
      reference: [[0, 0], [1, 1]],
      dot: (now) => [now.false_positive_rate, now.recall],
    },
    exploring,
  );
  drawReliability();
  drawSlices();
  drawLearningCurve();
  watchScrolling();
  watchSections();
})();

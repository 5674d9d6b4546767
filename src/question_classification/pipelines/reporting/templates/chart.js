"use strict";

/** Charts of two axes with a cursor, which the mouse, a finger and the keyboard move. */
const chart = (() => {
  const { html, onWidth, svg } = page;
  const MARGIN = { top: 12, right: 14, bottom: 40, left: 46 };

  /** Return a function from a domain to a range of pixels; `log` is for domains above 0. */
  function scale([from, to], [start, end], log = false) {
    const at = log ? Math.log : (value) => value;
    return (value) => start + ((at(value) - at(from)) / (at(to) - at(from) || 1)) * (end - start);
  }

  /** Return round numbers that divide a domain into about so many steps. */
  function ticks([from, to], about) {
    const rough = (to - from) / Math.max(about, 1) || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((each) => each * power >= rough * 0.999) * power;
    const first = Math.ceil(from / step - 1e-9);
    const last = Math.floor(to / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
  }

  /** Return the `d` of a path through points; with `steps`, each value holds from the point before it on. */
  function line(points, steps = false) {
    return points
      .map(([x, y], index) => {
        const place = `${x.toFixed(1)},${y.toFixed(1)}`;
        if (!index) return `M${place}`;
        return steps ? `V${y.toFixed(1)}H${x.toFixed(1)}` : `L${place}`;
      })
      .join("");
  }

  function axes(options, sx, sy, width, height) {
    const grid = svg("g", { class: "grid" });
    const { left, top, right, bottom } = MARGIN;
    const xs = options.x.ticks ?? ticks(options.x.domain, width / 90);
    let free = -Infinity; // where the label of the last tick ended: labels that would overlap are left out
    for (const value of xs) {
      const x = sx(value);
      const text = options.x.format(value);
      const half = text.length * 3.6;
      grid.append(svg("line", { x1: x, x2: x, y1: top, y2: height - bottom }));
      if (x - half < free) continue;
      free = x + half + 6;
      grid.append(svg("text", { x: Math.min(x, width - half), y: height - bottom + 17, "text-anchor": "middle" }, text));
    }
    for (const value of options.y.ticks ?? ticks(options.y.domain, height / 60)) {
      const y = sy(value);
      grid.append(svg("line", { x1: left, x2: width - right, y1: y, y2: y }));
      grid.append(svg("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, options.y.format(value)));
    }
    const middle = (left + width - right) / 2;
    grid.append(svg("text", { class: "axis", x: middle, y: height - 5, "text-anchor": "middle" }, options.x.name));
    return grid;
  }

  /**
   * Draw a chart into an element, anew for each width.
   *
   * options: `label`; `height` of a width; `x` and `y`, each with `domain`, `format`, and perhaps `name`, `ticks`, `log`;
   * `draw(layer, sx, sy, width)`. With a cursor: `stops`, the values of x at which it can stand; `start`, where it does
   * at first; `describe(index)`, in words, what there is at a stop; `show(index, cursor, sx, sy)`, which is told where it
   * stands. Without one: perhaps `pick(value)`, which is told the value of x that was pointed at.
   */
  function plot(element, options) {
    const cursor = svg("g", { class: "cursor" });
    const layer = svg("g");
    const root = svg("svg", { class: "canvas", "aria-label": options.label });
    element.append(root);
    let sx, sy, width, height;
    let index = options.start ?? 0;

    function draw(newWidth) {
      width = newWidth;
      height = options.height(width);
      sx = scale(options.x.domain, [MARGIN.left, width - MARGIN.right], options.x.log);
      sy = scale(options.y.domain, [height - MARGIN.bottom, MARGIN.top]);
      root.setAttribute("viewBox", `0 0 ${width} ${height}`);
      layer.replaceChildren();
      root.replaceChildren(axes(options, sx, sy, width, height), layer, cursor);
      options.draw(layer, sx, sy, width);
      if (options.stops) move(index);
    }

    function move(next) {
      index = Math.max(0, Math.min(options.stops.length - 1, next));
      const x = sx(options.stops[index]);
      cursor.replaceChildren(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: height - MARGIN.bottom }));
      options.show?.(index, cursor, sx, sy);
      root.setAttribute("aria-valuenow", index);
      root.setAttribute("aria-valuetext", options.describe(index));
    }

    /** Return the pixel of x that an event is at; a printed or zoomed chart is not as wide as it was drawn. */
    function pointed(event) {
      const box = root.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * width;
    }

    if (options.stops) {
      const slider = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": options.stops.length - 1 };
      for (const [name, value] of Object.entries(slider)) root.setAttribute(name, value);
      const follow = (event) => move(nearest(options.stops.map(sx), pointed(event)));
      const few = Math.max(1, Math.round(options.stops.length / 20));
      const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -few, PageUp: few };
      const ends = { Home: 0, End: options.stops.length - 1 };
      root.addEventListener("keydown", (event) => {
        if (!(event.key in steps) && !(event.key in ends)) return;
        event.preventDefault();
        move(event.key in ends ? ends[event.key] : index + steps[event.key]);
      });
      root.addEventListener("pointermove", follow);
      root.addEventListener("pointerdown", follow);
    } else {
      root.setAttribute("role", "img");
      if (options.pick) {
        const [from, to] = options.x.domain;
        const tell = (event) => options.pick(from + ((pointed(event) - sx(from)) / (sx(to) - sx(from))) * (to - from));
        root.addEventListener("pointerdown", tell);
        root.addEventListener("pointermove", (event) => event.buttons && tell(event));
      }
    }
    onWidth(element, draw);
  }

  /** Return the place of the number that is nearest to a value. */
  function nearest(numbers, value) {
    return numbers.reduce((best, each, place) => (Math.abs(each - value) < Math.abs(numbers[best] - value) ? place : best), 0);
  }

  /** Make a table of what lines mean, with a cell for each that shows its value at the cursor. */
  function legend(element, heads, rows) {
    const cells = rows.map(() => html("td"));
    const lines = rows.map(({ name, style, note }, index) => {
      const sample = svg("svg", { class: "sample", width: 26, height: 10, "aria-hidden": "true" });
      sample.append(svg("line", { class: style, x1: 0, x2: 26, y1: 5, y2: 5 }));
      return html("tr", {}, html("th", { scope: "row", class: "series" }, sample, name), html("td", {}, note ?? ""), cells[index]);
    });
    const titles = heads.map((head) => html("th", { scope: "col" }, head));
    element.append(html("table", {}, html("thead", {}, html("tr", {}, ...titles)), html("tbody", {}, ...lines)));
    return { title: titles.at(-1), cells };
  }

  return { legend, line, nearest, plot, ticks };
})();

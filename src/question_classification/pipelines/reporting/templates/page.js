"use strict";

/**
 * What the scripts of the page share. Each of them is a classic script that makes one constant.
 *
 * Text reaches the page by `textContent` and attributes only: nothing in it can become markup.
 */
const page = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const data = JSON.parse(document.getElementById("report-data").textContent);

  function fill(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) made.setAttribute(name, String(value));
    }
    made.append(...children);
    return made;
  }

  /** Make an element of HTML; children are elements, or texts, which stay texts. */
  const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

  /** Make an element of SVG. */
  const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

  /** Write a number with so many digits behind the point; a tie goes to the even one, as Python has it. */
  function fixed(value, digits = 3) {
    if (value === null) return "–";
    const text = value.toFixed(digits); // of a tie the larger one
    const isTie = /^50*$/.test(value.toFixed(60).split(".")[1].slice(digits));
    return isTie && Number(text.at(-1)) % 2 ? (value - 0.5 * 10 ** -digits).toFixed(digits) : text;
  }

  /** Write a whole number, its thousands apart. */
  const count = (value) => value.toLocaleString("en-US");

  const percent = (share, digits = 1) => `${fixed(100 * share, digits)} %`;

  /** Call back with the width of an element, now and whenever it is another. */
  function onWidth(element, callback) {
    let last = 0;
    new ResizeObserver(() => {
      const width = Math.round(element.clientWidth);
      if (width && width !== last) callback((last = width));
    }).observe(element);
  }

  return { count, data, fixed, html, onWidth, percent, svg };
})();

/* What the page of the lineage does before Kedro-Viz begins: answers its requests, and chooses how it opens. */
const answers = JSON.parse(document.getElementById("answers").textContent);

// The page's router knows the address "/" alone; `fetch` of its API is answered by what the page holds
const fetchOutside = window.fetch;
window.fetch = (request, options) => {
  const url = String(request.url ?? request);
  const asked = /(?:^|\/)api\/([^?#]+)/.exec(url);
  if (!asked) return fetchOutside(request, options);
  const known = Object.hasOwn(answers, asked[1]);
  return Promise.resolve(new Response(JSON.stringify(known ? answers[asked[1]] : {}), {
    status: known ? 200 : 404, headers: {"Content-Type": "application/json"},
  }));
};

// Kedro-Viz's own settings, for who has not chosen any: the reader's colours; in the way of the picture no tour of
// features, no map, and on a phone no names of layers
try {
  const theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  const layer = {visible: matchMedia("(min-width: 700px)").matches};
  localStorage.KedroViz ??= JSON.stringify({theme, layer, visible: {miniMap: false}, showFeatureHints: false});
} catch {
  // a browser that stores nothing: it opens as Kedro-Viz does
}

// Kedro-Viz does not show what the catalog says of a dataset, nor the docstring of a node: the head of its panel does
const describe = () => {
  const panel = document.querySelector(".pipeline-metadata--visible .pipeline-metadata__list");
  const selected = new URLSearchParams(location.search).get("sid");
  if (panel) panel.dataset.description = answers[`nodes/${selected}`]?.description ?? "";
};

// What Kedro-Viz leaves out for those who hear a page, or have no mouse
const mend = () => {
  const set = (selector, attributes) => document.querySelectorAll(selector).forEach((element) => {
    for (const [name, value] of Object.entries(attributes)) {
      element.setAttribute(name, typeof value === "function" ? value(element) : value);
    }
  });
  set(".toggle-control__checkbox", {
    "aria-label": ({id, name}) => `${id.endsWith("-focus") ? "focus on" : "show"} ${name}`,
  });
  set(".pipeline-nodelist__split-handle", {
    "aria-label": "height of the list",
    "aria-valuenow": (handle) => Math.round(100 * handle.offsetTop / handle.parentElement.offsetHeight),
  });
  set(".scrollable-container", {tabindex: 0, role: "group", "aria-label": "preview"});
  // lists of which the items are wrapped in something else, or not the only children
  set(".pipeline-global-routes-toolbar, .pipeline-global-routes-toolbar li", {role: "none"});
  set("[class^='stats-container'], [class^='stats-container'] li", {role: "none"});
  for (const dropdown of document.querySelectorAll("div.dropdown[aria-expanded]")) {  // a state of its button
    dropdown.querySelector("button").setAttribute("aria-expanded", dropdown.getAttribute("aria-expanded"));
    for (const name of ["aria-expanded", "aria-haspopup"]) dropdown.removeAttribute(name);
  }
};
new MutationObserver(() => {
  describe();
  mend();
}).observe(document.getElementById("root"), {childList: true, subtree: true});

// Modules have no address in a page from disk: they go by names, which this map leads to what the page holds
const imports = {};
for (const module of document.querySelectorAll("script[data-module]")) {
  imports[module.dataset.module] = URL.createObjectURL(new Blob([module.textContent], {type: "text/javascript"}));
}
document.head.append(Object.assign(document.createElement("script"), {
  type: "importmap", textContent: JSON.stringify({imports}),
}));
import(document.currentScript.dataset.start);

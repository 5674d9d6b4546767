// Tables and code that scroll can be reached by the keyboard.
new MutationObserver(() => {
  document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code").forEach((element) => {
    element.tabIndex = 0;
  });
}).observe(document.documentElement, { childList: true, subtree: true });

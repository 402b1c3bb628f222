// Comfort on every page: forms are sent once, and `?` shows the keys of a page.
"use strict";

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const button = event.target.querySelector("button:not([type=button])");
  if (button) setTimeout(() => { button.disabled = true; }, 0);
});

window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button")) button.disabled = false;
});

// typing into a field is never a command; a box that is ticked is no typing
window.coroner = {
  typing: (event) => event.ctrlKey || event.metaKey || event.altKey || event.target.isContentEditable ||
    (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && !/^(radio|checkbox)$/.test(event.target.type)),
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || window.coroner.typing(event)) return;
  const keys = document.querySelector("dialog.keys");
  if (keys) { keys.open ? keys.close() : keys.showModal(); event.preventDefault(); }
});

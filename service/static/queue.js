// Enter takes the next run, unless something has the focus that takes Enter itself; z takes back what was saved last.
"use strict";

document.addEventListener("keydown", (event) => {
  if (window.coroner.typing(event) || event.target.closest("a, button, summary, dialog")) return;
  const form = { Enter: document.getElementById("take"), z: document.querySelector(".saved form") }[event.key];
  if (form) { event.preventDefault(); form.requestSubmit(); }
});

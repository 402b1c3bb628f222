// Enter takes the next run, unless something has the focus that takes Enter itself.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || window.coroner.typing(event)) return;
  if (event.target.closest("a, button, summary, dialog")) return;
  const take = document.getElementById("take");
  if (take) { event.preventDefault(); take.requestSubmit(); }
});

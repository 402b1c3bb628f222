// Pages of work in progress are brought up to date in place; without script the page loads itself again instead.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const working = () => document.querySelector("[data-refresh]");
  const look = async () => {
    const seconds = Number(working().dataset.refresh);
    try {
      const answer = await fetch(document.querySelector("[data-refresh]").dataset.from || location.pathname, { credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const part = page.querySelector("main"), main = document.querySelector("main");
        if (!main.contains(document.activeElement) || document.activeElement === main) main.replaceChildren(...part.childNodes);
      }
    } catch { /* the server is away for a moment: look again */ }
    if (working()) setTimeout(look, seconds * 1000);
  };
  if (working()) setTimeout(look, Number(working().dataset.refresh) * 1000);
});

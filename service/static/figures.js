// Pages of work in progress are brought up to date in place; without script the page loads itself again instead.
"use strict";

(() => {
  const working = () => document.querySelector("[data-refresh]");
  const name = (element) => element.id || element.getAttribute("href") || element.form?.getAttribute("action") || element.textContent;

  function replace(fresh) {
    const main = document.querySelector("main"), at = document.activeElement;
    if (main.contains(at) && /^(INPUT|SELECT|TEXTAREA)$/.test(at.tagName)) return; // somebody is choosing something
    const held = main.contains(at) && at !== main ? name(at) : null;
    main.replaceChildren(...fresh.childNodes);
    if (held === null) return;
    const again = [...main.querySelectorAll("a, button, summary, [tabindex]")].find((each) => name(each) === held && !each.disabled);
    (again || main).focus({ preventScroll: true });
  }

  async function look() {
    const seconds = Number(working().dataset.refresh);
    try {
      const answer = await fetch(working().dataset.from || location.pathname, { credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        replace(page.querySelector("main"));
        if (!working()) window.coroner.say(document.querySelector("main [data-told]")?.textContent || "Done.");
      }
    } catch { /* the server is away for a moment: look again */ }
    if (working()) setTimeout(look, seconds * 1000);
  }
  if (working()) setTimeout(look, Number(working().dataset.refresh) * 1000);
})();

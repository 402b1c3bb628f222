// Comfort on every page: forms are sent once, what happened is said aloud and keeps the focus, `?` shows the keys.
"use strict";

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const button = event.target.querySelector("button:not([type=button])");
  if (button && !button.disabled) setTimeout(() => { button.disabled = true; button.dataset.sent = ""; }, 0);
});

window.addEventListener("pageshow", () => { // also when one comes back to a page
  for (const button of document.querySelectorAll("button[data-sent]")) { button.disabled = false; delete button.dataset.sent; }
});

window.coroner = {
  // typing into a field is never a command; a box that is ticked is no typing
  typing: (event) => event.ctrlKey || event.metaKey || event.altKey || event.target.isContentEditable ||
    (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && !/^(radio|checkbox)$/.test(event.target.type)),
  // what a screen reader is to say: text that a page comes with is passed over by many, text that changes is not
  say: (text) => {
    const live = document.getElementById("live");
    live.textContent = "";
    setTimeout(() => { live.textContent = text.replace(/\s+/g, " ").trim(); }, 100);
  },
  current: () => null, // the step that one stands on
  // leave a field without losing one's place
  leave: () => (window.coroner.current() || document.querySelector("main")).focus({ preventScroll: true }),
};

{
  const alert = document.querySelector("main .alert[role=alert]"), note = document.querySelector("main .note[role=status]");
  if (alert && document.activeElement === document.body) { alert.tabIndex = -1; alert.focus(); }
  else if (note) window.coroner.say(note.querySelector("span")?.textContent || note.textContent);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || window.coroner.typing(event)) return;
  const keys = document.querySelector("dialog.keys");
  if (keys) { keys.open ? keys.close() : keys.showModal(); event.preventDefault(); }
});

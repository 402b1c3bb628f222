// Labelling by keys: the digits pick in the tier that is open, letters reach the fields. The form works without it.
"use strict";

(() => {
  const form = document.getElementById("label");
  const step = document.getElementById("step"), agent = document.getElementById("agent"), typed = document.getElementById("typed");
  const radios = (name) => [...form.querySelectorAll(`input[type=radio][name=${name}]`)];
  const chosen = (name) => radios(name).find((radio) => radio.checked);

  // the tier that is open: phases, the causes of the phase, the finer ones of the cause
  function tier() {
    const phases = radios("phase"), phase = chosen("phase");
    if (phases.length && !phase) return phases;
    const within = phase ? form.querySelector(`.of-phase.${phase.value}`) : form.querySelector(".of-phase");
    const cause = chosen("cause");
    let open = within;
    if (cause && within.contains(cause)) {
      const mine = cause.closest(".tier");
      open = mine.querySelector(":scope > .finer") || mine.parentElement;
    }
    return [...open.querySelectorAll(":scope > .tier > .option input")];
  }

  function back() {
    const cause = chosen("cause"), phase = chosen("phase");
    if (cause) cause.checked = false;
    else if (phase) phase.checked = false;
    const above = cause?.closest(".finer")?.closest(".tier")?.querySelector(":scope > .option input");
    if (above) above.checked = true;
    (above || chosen("phase") || tier()[0]).focus({ preventScroll: true }); // what had the focus may be hidden now
  }

  function pick(radio) {
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    radio.focus({ preventScroll: true });
    radio.closest("label").scrollIntoView({ block: "nearest" });
  }

  form.addEventListener("change", (event) => {
    const cause = chosen("cause");
    if (event.target.name === "phase" && cause && cause.value !== "unknown") {
      const within = form.querySelector(`.of-phase.${event.target.value}`);
      if (!within.contains(cause)) cause.checked = false;
    }
    if (event.target.name === "cause") {
      const phase = radios("phase").find((each) => event.target.closest(`.of-phase.${each.value}`));
      for (const each of radios("phase")) each.checked = each === phase;
      typed.value = "";
      filter();
    }
  });

  // finding by typing -----------------------------------------------------------------------------------------------
  typed.removeAttribute("list"); // the list below is narrowed instead
  const plain = (text) => text.toLowerCase().replace(/[^a-z0-9. ]+/g, " ");
  function filter() {
    const words = plain(typed.value).split(" ").filter(Boolean);
    form.classList.toggle("filtering", words.length > 0);
    let first = null;
    for (const option of form.querySelectorAll(".option")) {
      const text = plain(option.dataset.words || "unknown");
      const fits = words.length > 0 && words.every((word) => text.includes(word));
      option.classList.toggle("fits", fits);
      option.classList.remove("first");
      if (fits && !first) first = option;
    }
    if (first) first.classList.add("first");
    return first;
  }
  typed.addEventListener("input", () => {
    const first = filter(), fit = form.querySelectorAll(".option.fits").length;
    if (typed.value) window.coroner.say(first ? `${fit} fit, Enter takes ${first.querySelector("label").textContent}` : "no cause fits");
  });
  typed.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { typed.value = ""; filter(); window.coroner.leave(); }
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const first = filter();
    if (first) pick(first.querySelector("input"));
  });
  filter();

  // the decisive step -----------------------------------------------------------------------------------------------
  function show() {
    for (const each of document.querySelectorAll(".step")) each.classList.toggle("chosen", step.value !== "" && each.dataset.step === step.value);
    for (const each of document.querySelectorAll(".pick")) {
      const on = step.value !== "" && each.dataset.step === step.value;
      each.setAttribute("aria-pressed", String(on));
    }
  }
  function decide(index) {
    step.value = step.value === String(index) ? "" : index;
    agent.value = "";
    show();
    window.coroner.say(step.value ? `Step ${step.value} is marked as the decisive one` : "No step is marked");
  }
  step.addEventListener("input", show);
  document.addEventListener("steps-loaded", show);
  document.querySelector(".steps").addEventListener("click", (event) => {
    const button = event.target.closest(".pick");
    if (button) decide(button.dataset.step);
  });
  show();

  // keys --------------------------------------------------------------------------------------------------------------
  const also = form.querySelector(".secondary");
  const does = {
    c: () => typed.focus(),
    s: () => { const at = window.coroner.current(); if (at) decide(at.dataset.step); else step.focus(); },
    u: () => pick(form.querySelector("input[value=unknown]")),
    n: () => { form.elements.unsure.checked = !form.elements.unsure.checked; form.elements.unsure.focus(); },
    a: () => { also.open = true; also.querySelector("input").focus(); },
    m: () => document.getElementById("note").focus(),
    z: () => (document.getElementById("undo") || document.querySelector(".saved form"))?.requestSubmit(),
    Backspace: back,
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button[value=next]"));
      return;
    }
    if (event.key === "Escape" && form.contains(document.activeElement) && !event.defaultPrevented) window.coroner.leave();
    if (window.coroner.typing(event) || document.querySelector("dialog[open]")) return;
    const digit = /^[1-9]$/.test(event.key) ? tier()[Number(event.key) - 1] : null;
    if (digit) pick(digit);
    else if (event.key in does) does[event.key]();
    else return;
    event.preventDefault();
  });
})();

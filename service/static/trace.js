// The page of a run: steps are loaded as they are scrolled to, found by keys, and searched. All of it is comfort.
"use strict";

(() => {
  const KEEP = 8; // chunks that stay in the page; those furthest away make room
  const TALL = 150; // pixels of a step that has not been seen yet, about
  const steps = document.querySelector(".steps");
  const chunks = [...steps.querySelectorAll(".chunk")];
  const { uid, query } = steps.dataset;
  const numbers = (text) => (text ? text.split(" ").map(Number) : []);
  let current = null;
  document.documentElement.classList.add("js");

  // chunks ----------------------------------------------------------------------------------------------------------
  const holders = new Map(chunks.map((chunk) => [chunk, chunk.querySelector(".more")]));
  const busy = new Map();
  for (const chunk of chunks) if (!("loaded" in chunk.dataset)) chunk.style.minHeight = `${chunk.dataset.count * TALL}px`;

  function load(chunk) {
    if ("loaded" in chunk.dataset) return Promise.resolve();
    if (!busy.has(chunk)) busy.set(chunk, fetched(chunk).finally(() => busy.delete(chunk)));
    return busy.get(chunk);
  }

  async function fetched(chunk) {
    const where = new URLSearchParams({ start: chunk.dataset.start, q: query });
    const answer = await fetch(`/runs/${uid}/steps?${where}`, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const made = document.createElement("template");
    made.innerHTML = await answer.text(); // the service's own page, in which all that a trace says is escaped
    chunk.replaceChildren(made.content);
    chunk.dataset.loaded = "";
    chunk.style.minHeight = "";
    document.dispatchEvent(new CustomEvent("steps-loaded"));
    makeRoom(chunk);
  }

  function makeRoom(latest) {
    const loaded = chunks.filter((chunk) => "loaded" in chunk.dataset);
    const middle = (chunk) => { const box = chunk.getBoundingClientRect(); return Math.abs(box.top + box.height / 2 - innerHeight / 2); };
    const spare = loaded.filter((chunk) => chunk !== latest && !chunk.contains(current) && !chunk.contains(document.activeElement));
    spare.sort((a, b) => middle(b) - middle(a));
    for (const chunk of spare.slice(0, Math.max(0, loaded.length - KEEP))) {
      chunk.style.minHeight = `${chunk.getBoundingClientRect().height}px`;
      delete chunk.dataset.loaded;
      const again = holders.get(chunk) || more(chunk);
      chunk.replaceChildren(again);
    }
  }

  function more(chunk) {
    const link = document.createElement("a");
    link.className = "more";
    link.href = `?at=${chunk.dataset.first}#s${chunk.dataset.first}`;
    link.textContent = `Steps ${chunk.dataset.first} to ${chunk.dataset.last}`;
    holders.set(chunk, link);
    return link;
  }

  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) load(entry.target);
  }, { rootMargin: "800px 0px" });
  for (const chunk of chunks) near.observe(chunk);

  // going to a step ---------------------------------------------------------------------------------------------------
  function stand(step) {
    if (!step) return;
    if (current) current.classList.remove("current");
    current = step;
    step.classList.add("current");
    step.focus({ preventScroll: true });
    step.scrollIntoView({ block: "start" });
    requestAnimationFrame(() => step.scrollIntoView({ block: "start" })); // what was not drawn yet has its height now
  }

  async function go(index) {
    const chunk = chunks.find((each) => Number(each.dataset.last) >= index);
    if (!chunk) return;
    await load(chunk);
    stand(document.getElementById(`s${index}`));
  }

  async function move(by) {
    if (!current || !current.isConnected) {
      const inView = [...steps.querySelectorAll(".step")].find((step) => step.getBoundingClientRect().bottom > 80);
      stand(inView);
      return;
    }
    let next = by > 0 ? current.nextElementSibling : current.previousElementSibling;
    if (!next) {
      const chunk = chunks[chunks.indexOf(current.closest(".chunk")) + by];
      if (!chunk) return;
      await load(chunk);
      next = by > 0 ? chunk.firstElementChild : chunk.lastElementChild;
    }
    stand(next);
  }

  const quoted = numbers(steps.dataset.evidence);
  const places = quoted.length ? quoted : numbers(steps.dataset.signals);
  function nextPlace() {
    if (!places.length) return;
    const at = current ? Number(current.dataset.step) : -1;
    go(places.find((place) => place > at) ?? places[0]);
  }

  window.coroner.current = () => current;
  steps.addEventListener("click", (event) => {
    const step = event.target.closest(".step");
    if (!step || step === current || event.target.closest("a, button, summary") || String(getSelection())) return;
    if (current) current.classList.remove("current");
    current = step;
    step.classList.add("current");
  });
  document.addEventListener("click", (event) => {
    const at = event.target.closest(".lanes [data-step], a.jump");
    if (!at) return;
    event.preventDefault();
    go(Number(at.dataset.step));
  });
  document.querySelector(".lanes").addEventListener("click", (event) => {
    if (event.target.dataset.step) return;
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const last = Number(chunks.at(-1).dataset.last), first = Number(chunks[0].dataset.first);
    go(Math.round(first + share * (last - first)));
  });
  document.querySelector(".goto").addEventListener("submit", (event) => {
    event.preventDefault();
    go(Number(document.getElementById("at").value));
  });
  const help = document.querySelector(".keys-button");
  help.hidden = false;
  document.getElementById("at").addEventListener("keydown", (event) => { if (event.key === "Escape") window.coroner.leave(); });
  help.addEventListener("click", () => document.querySelector("dialog.keys").showModal());

  // searching -----------------------------------------------------------------------------------------------------------
  const field = document.getElementById("q"), told = document.getElementById("found");
  let hits = [], hit = -1, later = 0;
  function search() {
    const wanted = field.value.trim().toLowerCase();
    hits = []; hit = -1;
    if (!CSS.highlights) return;
    CSS.highlights.delete("find"); CSS.highlights.delete("find-now");
    if (wanted.length < 2) { told.textContent = ""; return; }
    for (const content of steps.querySelectorAll("pre.content")) {
      const walk = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
      for (let node = walk.nextNode(); node && hits.length < 2000; node = walk.nextNode()) {
        const text = node.data.toLowerCase();
        if (text.length !== node.data.length) continue;
        for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
          const range = new Range();
          range.setStart(node, at); range.setEnd(node, at + wanted.length);
          hits.push(range);
        }
      }
    }
    if (hits.length) CSS.highlights.set("find", new Highlight(...hits));
    told.textContent = `${hits.length} here`;
  }
  function nextHit(by) {
    hit = (hit + by + hits.length) % hits.length;
    const range = hits[hit];
    for (let fold = range.startContainer.parentElement.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    CSS.highlights.set("find-now", new Highlight(range));
    range.startContainer.parentElement.scrollIntoView({ block: "center" });
    told.textContent = `${hit + 1} of ${hits.length} here`;
  }
  field.addEventListener("input", () => { clearTimeout(later); later = setTimeout(search, 150); });
  document.addEventListener("steps-loaded", () => { if (field.value.trim() && document.activeElement === field) search(); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { field.value = ""; search(); window.coroner.leave(); }
    if (event.key !== "Enter") return;
    clearTimeout(later);
    if (!hits.length) search();
    if (hits.length && field.value.trim() !== query) { event.preventDefault(); nextHit(event.shiftKey ? -1 : 1); } // else the server looks in all steps
  });

  // keys ------------------------------------------------------------------------------------------------------------------
  const does = {
    j: () => move(1), k: () => move(-1), e: nextPlace,
    d: () => { if (steps.dataset.decisive) go(Number(steps.dataset.decisive)); },
    o: () => { for (const fold of current ? current.querySelectorAll("details") : []) fold.open = !fold.open; },
    "/": () => field.focus(),
    g: () => document.getElementById("at").focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (window.coroner.typing(event) || document.querySelector("dialog[open]") || !(event.key in does)) return;
    event.preventDefault();
    does[event.key]();
  });

  const asked = location.hash.match(/^#s(\d+)$/)?.[1] ?? steps.dataset.at;
  if (asked !== undefined) go(Number(asked));
})();

// "Show 3 new tweets": the stream says that there are some; nothing moves until one asks for it.
"use strict";
import { share } from "./acts.js";
import { all, elements, find, make, part, say, toast } from "./page.js";
import { ago } from "./times.js";
import { observe } from "./viewing.js";

const timeline = find("#timeline[data-stream]"), bar = find("#newer");
const waiting = new Set();
let source = null;

const cards = (id) => all(`.card[data-id="${CSS.escape(id)}"]`);

function count() {
  const n = waiting.size;
  bar.hidden = n === 0;
  bar.textContent = say(n === 1 ? "newer_one" : "newer_other", { n });
  document.title = document.title.replace(/^\(\d+\) /, "");
  if (n) document.title = `(${n}) ${document.title}`;
}

function arrived(told) {
  if (told.own || cards(told.id).length) return;
  waiting.add(told.id);
  count();
}

function gone(told) {
  waiting.delete(told.id);
  cards(told.id).forEach((card) => card.remove());
  count();
}

function edited(told) {
  for (const card of cards(told.id)) {
    const [fresh] = elements(told.html);
    card.replaceWith(fresh);
    htmx.process(fresh);
  }
}

async function show() {
  const newest = find(".card", timeline)?.dataset.id;
  // Without a place to go on from, or after a long absence, the page as it is now is simplest.
  if (!newest || waiting.size > 60) return location.reload();
  try {
    const html = await part(`/?since_id=${newest}&limit=100`);
    prepend(html);
    waiting.clear();
    count();
    scrollTo({ top: 0 });
  } catch (error) {
    toast(error.message);
  }
}

/** Put cards at the top of the timeline, those that are not there yet. */
export function prepend(html) {
  const fresh = elements(html).filter((one) => one.matches(".card") && !cards(one.dataset.id).length);
  const list = find("#timeline");
  find(".empty", list)?.remove();
  fresh.forEach((card) => card.classList.add("fresh"));
  list.prepend(...fresh);
  fresh.forEach((card) => { htmx.process(card); ago(card); observe(card); });
}

function open() {
  if (source) return;
  source = new EventSource(timeline.dataset.stream);
  const on = (name, act) => source.addEventListener(name, ({ data }) => act(JSON.parse(data)));
  on("tweet", arrived);
  on("delete", gone);
  on("edit", edited);
  on("counts", (told) => share(told.id, told.html));
  on("reset", () => { waiting.add("reset"); count(); });
  on("end", close);
}

function close() {
  source?.close();
  source = null;
}

if (timeline && bar) {
  bar.addEventListener("click", show);
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

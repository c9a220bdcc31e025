// "Show 3 new tweets": the stream says that there are some; nothing moves until one asks for it.
"use strict";
import { share } from "./acts.js";
import { all, elements, find, make, part, say, toast } from "./page.js";
import { ago } from "./times.js";
import { observe } from "./viewing.js";

const timeline = find("#timeline[data-stream]"), bar = find("#newer");
const waiting = new Set();
let source = null;
// Up to here all tweets were loaded. What one posts on this page may be above others that were not.
let loaded = timeline && find(".card", timeline)?.dataset.id;

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
  // Without a place to go on from, or after a long absence, the page as it is now is simplest.
  if (!loaded || waiting.size > 60) return location.reload();
  const asked = [...waiting];
  try {
    const html = await part(`/?since_id=${loaded}&limit=100`);
    loaded = elements(html).find((one) => one.matches(".card"))?.dataset.id ?? loaded;
    prepend(html);
    asked.forEach((id) => waiting.delete(id));
    count();
    scrollTo({ top: 0 });
  } catch (error) {
    toast(error.message);
  }
}

/** Put cards where they belong in the timeline, newest first, those that are not there yet. */
export function prepend(html) {
  const fresh = elements(html).filter((one) => one.matches(".card") && !cards(one.dataset.id).length);
  const list = find("#timeline");
  find(".empty", list)?.remove();
  fresh.forEach((card) => card.classList.add("fresh"));
  for (const card of fresh) {
    const there = all(".card", list), older = (one) => BigInt(one.dataset.id) < BigInt(card.dataset.id);
    const next = there.find(older);
    if (next) next.before(card);
    else if (there.length) there.at(-1).after(card);
    else list.prepend(card);
  }
  fresh.forEach((card) => { htmx.process(card); ago(card); observe(card); });
}

function open() {
  if (source) return;
  // Some may have come since the page was made; an empty one has seen none at all. Above a page
  // further down are those that its reader has left behind.
  const since = location.search ? "" : `?since_id=${loaded ?? 1}`;
  source = new EventSource(timeline.dataset.stream + since);
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

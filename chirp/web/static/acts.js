// Favorites, retweets and bookmarks show at once, and are taken back when the server refuses.
"use strict";
import { all, elements, find, say, toast } from "./page.js";

const pressable = (element) => element.matches?.(".act[aria-pressed]");
const before = new WeakMap();

function flip(button) {
  const pressed = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(pressed));
  const number = find(".n", button);
  // A short form such as 1.2K is left to the server's answer.
  if (button.classList.contains("act-bookmark") || !/^\d*$/.test(number.textContent)) return;
  const count = Number(number.textContent) + (pressed ? 1 : -1);
  number.textContent = count > 0 ? String(count) : "";
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (!pressable(detail.elt)) return;
  before.set(detail.elt, detail.elt.closest(".acts").cloneNode(true));
  flip(detail.elt);
});

function takeBack({ detail }) {
  toast(detail.xhr?.status ? detail.xhr.responseText || say("failed") : say("offline"));
  const old = before.get(detail.elt);
  if (!old || !detail.elt.isConnected) return;
  detail.elt.closest(".acts").replaceWith(old);
  htmx.process(old);
}
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, takeBack);
}

// The same tweet may stand on a page more than once.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const fresh = detail.elt;
  if (!fresh.matches?.("footer.acts")) return;
  share(fresh.dataset.tweet, fresh.outerHTML, fresh);
});

/** Put a tweet's row of acts wherever the tweet stands. */
export function share(id, html, except = null) {
  for (const row of all(`footer.acts[data-tweet="${CSS.escape(id)}"]`)) {
    if (row === except || row.contains(document.activeElement)) continue;
    const [copy] = elements(html);
    row.replaceWith(copy);
    htmx.process(copy);
  }
}

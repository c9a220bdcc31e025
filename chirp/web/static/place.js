// Back leads to the same place: what was loaded by scrolling is kept with the history's entry.
"use strict";
import { find } from "./page.js";

const list = find("#timeline");
const key = `place ${location.pathname}${location.search}`;

function keep() {
  try {
    const html = list.childElementCount <= 600 ? list.innerHTML : "";
    sessionStorage.setItem(key, JSON.stringify({ html, top: scrollY, me: document.body.dataset.me }));
  } catch {
    sessionStorage.removeItem(key);
  }
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
  if (!kept?.html || kept.me !== document.body.dataset.me) return;
  list.innerHTML = kept.html;
  scrollTo({ top: kept.top });
}

if (list) {
  // A module runs before htmx looks at the page, so what is restored here is known to it.
  if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") restore();
  addEventListener("pagehide", keep);
}

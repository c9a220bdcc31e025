// Keyboard: j and k go from tweet to tweet; n l r g h ? / do what the list says that ? shows.
"use strict";
import { all, find, known, make, say } from "./page.js";

const LIST = ["j", "k", "n", "l", "r", "t", "Enter", "g h", "g p", "/", "?"];
let waiting = "", dialog = null;

const current = () => find(".card.at");

function go(step) {
  const cards = all(".card[data-id]"), here = cards.indexOf(current());
  const next = cards[Math.max(0, Math.min(cards.length - 1, here + step))];
  if (!next) return;
  current()?.classList.remove("at");
  next.classList.add("at");
  const link = find(".when, .name", next);
  link?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "center" });
}

function press(name) {
  find(`.act-${name}`, current() ?? document.createElement("p"))?.click();
}

function compose() {
  const box = find("#composer textarea");
  if (box) box.focus();
  else if (known) location.href = "/compose";
}

function help() {
  if (!dialog) {
    const rows = LIST.flatMap((key) => [make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: say(`key_${key.replace(/\W/g, (c) => ({ " ": "_", "/": "slash", "?": "help" })[c])}`) })]);
    const form = make("form", { method: "dialog" }, make("button", { className: "button", textContent: say("close") }));
    const title = make("h2", { textContent: say("keys"), id: "keys-title" });
    dialog = make("dialog", { className: "keys" }, title, make("dl", {}, ...rows), form);
    dialog.setAttribute("aria-labelledby", "keys-title");
    document.body.append(dialog);
  }
  dialog.showModal();
}

const ACTS = {
  j: () => go(1), k: () => go(-1), n: compose, l: () => press("favorite"), t: () => press("retweet"),
  r: () => press("reply"), "?": help, "/": () => { const q = find("#q"); q?.offsetParent ? q.focus() : (location.href = "/search"); },
  "g h": () => { location.href = "/"; }, "g p": () => { location.href = "/public"; },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog, [contenteditable]")) return;
  const key = waiting + event.key;
  waiting = event.key === "g" ? "g " : "";
  const act = ACTS[key];
  if (!act) return;
  event.preventDefault();
  waiting = "";
  act();
});

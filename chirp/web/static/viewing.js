// Pictures in full, with their descriptions; videos that stop when nobody sees them.
"use strict";
import { all, find, icon, make, say } from "./page.js";

let box = null, shown = [], at = 0;

function button(name, key, act) {
  const made = make("button", { type: "button", className: name, title: say(key), onclick: act }, icon(name === "close" ? "close" : "up"));
  made.setAttribute("aria-label", say(key));
  return made;
}

function build() {
  box = make("dialog", { className: "lightbox" }, make("img"), make("p"),
    button("close", "close", () => box.close()), button("before", "before", () => turn(-1)), button("after", "after", () => turn(1)));
  box.setAttribute("aria-label", say("picture"));
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
  document.body.append(box);
}

function turn(step) {
  at = (at + step + shown.length) % shown.length;
  const alt = find("img", shown[at]).alt;
  Object.assign(find("img", box), { src: shown[at].href, alt });
  find("p", box).textContent = alt;
  find(".before", box).hidden = find(".after", box).hidden = shown.length < 2;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.photo");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (!box) build();
  shown = all("a.photo", link.closest(".media"));
  at = shown.indexOf(link);
  turn(0);
  box.showModal();
});

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) target.pause();
    else if (target.loop && !calm) target.play().catch(() => {});
  }
}, { threshold: 0.35 });

/** Watch the videos below an element. */
export function observe(under = document) {
  for (const video of all("video", under)) {
    if (video.loop && !calm) video.controls = false;
    watch.observe(video);
  }
}

observe();
document.addEventListener("htmx:load", (event) => observe(event.detail.elt));

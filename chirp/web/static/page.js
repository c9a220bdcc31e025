// What the other modules share: the page's words, its token, and small ways to make and tell things.
"use strict";

const words = JSON.parse(document.getElementById("words").textContent);

/** A message of the catalogue, with {names} replaced. */
export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The first element that a selector finds. */
export const find = (selector, under = document) => under.querySelector(selector);

/** All elements that a selector finds, as an array. */
export const all = (selector, under = document) => [...under.querySelectorAll(selector)];

/** A new element with properties and children. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** An icon of the page's sprite. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Tell something that goes away by itself. */
export function toast(text) {
  const note = make("p", { className: "toast", textContent: text });
  find("#toasts").append(note);
  setTimeout(() => note.remove(), 4000);
}

/** The headers of a request to our own server. */
export function headers() {
  return { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
}

/** Ask for a part of a page. Rejects with the server's words and status. */
export async function part(url, options = {}) {
  const answer = await fetch(url, { headers: headers(), ...options });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) {
    location.href = elsewhere;
    throw new Error(say("signed_out"));
  }
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error(text || say("failed")), { status: answer.status });
  return text;
}

/** HTML of our own server as elements that htmx knows. */
export function elements(html) {
  const holder = make("template");
  holder.innerHTML = html;
  return [...holder.content.children];
}

/** Whether somebody is signed in. */
export const known = Boolean(document.body.dataset.me);

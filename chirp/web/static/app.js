// All that makes the pages lively. Without it they work too.
"use strict";
import "./place.js";
import "./times.js";
import "./acts.js";
import "./newer.js";
import "./viewing.js";
import "./composer.js";
import "./keys.js";
import { all, find } from "./page.js";

// The theme changes at once; the form keeps it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches(".themes")) return;
  event.preventDefault();
  const theme = event.submitter.value, body = new FormData(form, event.submitter);
  document.documentElement.dataset.theme = theme;
  find('meta[name="color-scheme"]').content = theme === "system" ? "light dark" : theme;
  all("button", form).forEach((one) => one.setAttribute("aria-pressed", String(one.value === theme)));
  fetch(form.action, { method: "POST", body: new URLSearchParams(body), headers: { "HX-Request": "true" } });
});

// A menu closes when one looks elsewhere.
document.addEventListener("click", (event) => {
  all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});

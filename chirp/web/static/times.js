// Relative times: "5m" for what is recent; the exact time stays in the title.
"use strict";
import { all, say } from "./page.js";

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** Write how long ago the times below an element were. */
export function ago(under = document) {
  for (const time of all("time[datetime]", under)) {
    const then = new Date(time.dateTime), past = Date.now() - then;
    if (past >= DAY) continue;
    if (past < MINUTE) time.textContent = say("now");
    else if (past < HOUR) time.textContent = say("minutes", { n: Math.floor(past / MINUTE) });
    else time.textContent = say("hours", { n: Math.floor(past / HOUR) });
  }
}

ago();
setInterval(ago, 30_000);
document.addEventListener("htmx:load", (event) => ago(event.detail.elt));

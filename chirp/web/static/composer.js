// The composer: counts as one types, takes pictures by choosing, dragging and pasting, posts in place.
"use strict";
import { find, headers, icon, make, part, say, toast } from "./page.js";
import { prepend } from "./newer.js";

const form = find("#composer");
const MOST = 4;

function setUp() {
  const box = find("textarea", form), counter = find("#counter"), post = find("#post");
  const most = Number(form.dataset.max), attached = find("#attached"), picker = find("#pick");
  const taken = new Set();
  let asked = 0, timer = 0, over = false, sending = false;

  function show(weight) {
    const left = most - weight;
    over = left < 0;
    counter.textContent = weight ? String(left) : "";
    counter.className = `counter${over ? " over" : left <= 20 ? " near" : ""}`;
    ready();
  }

  function ready() {
    const busy = [...taken].some((one) => !one.id);
    post.disabled = over || busy || sending || (!box.value.trim() && !taken.size);
  }

  // The server's rules decide what links, emoji and scripts weigh; plain text needs no asking.
  function weigh() {
    const text = box.value, number = ++asked;
    clearTimeout(timer);
    show([...text].length);
    if (/^[\x00-\u{10ff}]*$/u.test(text) && !/[.:]\S/.test(text)) return;
    timer = setTimeout(async () => {
      try {
        const body = new URLSearchParams({ text });
        const { weight } = JSON.parse(await part("/compose/weight", { method: "POST", body }));
        if (number === asked) show(weight);
      } catch { /* The estimate stays; the server decides when it is posted. */ }
    }, 200);
  }

  function fits(file) {
    const still = file.type.startsWith("image/") && file.type !== "image/gif";
    const others = [...taken];
    if (!/^(image|video)\//.test(file.type)) return false;
    return others.length === 0 || (still && others.length < MOST && others.every((one) => one.still));
  }

  function add(file) {
    if (!fits(file)) return toast(say("media_most", { n: MOST }));
    const still = file.type.startsWith("image/") && file.type !== "image/gif";
    const seen = make(file.type.startsWith("video/") ? "video" : "img", { src: URL.createObjectURL(file), alt: "", muted: true });
    const bar = make("progress", { max: 1, value: 0 });
    bar.setAttribute("aria-label", file.name);
    const alt = make("textarea", { name: "alt", maxLength: 1500, placeholder: say("alt"), rows: 2 });
    alt.setAttribute("aria-label", say("alt"));
    const remove = make("button", { type: "button", className: "remove", title: say("remove") }, icon("close"));
    remove.setAttribute("aria-label", say("remove"));
    const figure = make("figure", {}, seen, remove, bar, alt);
    const one = { id: "", still, alt, figure };
    taken.add(one);
    attached.append(figure);
    one.request = upload(file, bar, (id) => { one.id = id; bar.remove(); ready(); }, (words) => { drop(one); toast(words); });
    remove.onclick = () => { one.request.abort(); drop(one); };
    ready();
  }

  function drop(one) {
    URL.revokeObjectURL(find("img, video", one.figure).src);
    taken.delete(one);
    one.figure.remove();
    ready();
  }

  async function send(event) {
    event.preventDefault();
    if (post.disabled) return;
    sending = true;
    find(".problem", form)?.remove();
    ready();
    const body = new FormData();
    for (const field of form.elements) if (field.type === "hidden" || field === box) body.append(field.name, field.value);
    for (const one of taken) { body.append("media_ids", one.id); body.append("alts", one.alt.value); }
    try {
      const html = await part(form.action, { method: "POST", body });
      [...taken].forEach(drop);
      form.reset();
      done(html);
    } catch (error) {
      if (error.status === 404) letGo(error.message);
      else toast(error instanceof TypeError ? say("offline") : error.message);
    } finally {
      sending = false;
      weigh();
    }
  }

  // What it is about is gone: the text stays, and is posted by itself.
  function letGo(words) {
    for (const name of ["in_reply_to_tweet_id", "quote_of_tweet_id"]) form.elements[name]?.remove();
    delete form.dataset.stays;
    form.dataset.then = "/";
    const problem = make("p", { className: "problem", textContent: words });
    problem.setAttribute("role", "alert");
    box.after(problem);
  }

  function done(html) {
    const list = find("#timeline");
    if (form.dataset.stays === undefined || !list) { location.href = form.dataset.then; return; }
    prepend(html);
    toast(say("posted"));
  }

  // A draft is not lost without a word.
  addEventListener("beforeunload", (event) => {
    if (!sending && (box.value.trim() !== box.defaultValue.trim() || taken.size)) event.preventDefault();
  });
  box.addEventListener("input", weigh);
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  form.addEventListener("submit", send);
  picker.addEventListener("change", () => { [...picker.files].forEach(add); picker.value = ""; });
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => { event.preventDefault(); [...event.dataTransfer.files].forEach(add); });
  box.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) { event.preventDefault(); files.forEach(add); }
  });
  find(".attach", form).replaceChildren(make("label", { className: "pick", title: say("media") }, icon("photo"), make("span", { className: "vh", textContent: say("media") }), picker));
  picker.className = "vh";
  picker.hidden = false;
  weigh();
}

/** Send a file with its progress; a video is waited for until it is ready. */
function upload(file, bar, done, failed) {
  const request = new XMLHttpRequest(), body = new FormData();
  body.append("file", file);
  request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
  request.onload = () => {
    const elsewhere = request.getResponseHeader("HX-Redirect");
    if (elsewhere) { location.href = elsewhere; return; }
    if (request.status >= 400 || !request.status) return failed(request.responseText || say("failed"));
    bar.removeAttribute("value");
    settle(JSON.parse(request.responseText), done, failed);
  };
  request.onerror = () => failed(say("offline"));
  request.open("POST", "/compose/media");
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  request.send(body);
  return request;
}

async function settle(media, done, failed) {
  try {
    while (media.state === "processing") {
      await new Promise((later) => setTimeout(later, 700));
      media = JSON.parse(await part(`/compose/media/${media.media_id}`));
    }
    if (media.state === "failed") failed(media.error || say("failed"));
    else done(media.media_id);
  } catch (error) {
    failed(error.message);
  }
}

if (form) setUp();

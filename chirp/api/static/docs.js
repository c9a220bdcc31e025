// Adds a form to each operation that sends it. The key lives in its field alone.
const keyForm = document.querySelector("form.key");
const key = keyForm.querySelector("input");
keyForm.hidden = false;
keyForm.addEventListener("submit", (event) => event.preventDefault());

function element(name, fields = {}, ...children) {
  const made = Object.assign(document.createElement(name), fields);
  made.append(...children);
  return made;
}

function address(form) {
  const path = form.dataset.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value));
  const query = form.elements.query?.value.trim();
  return query ? `${path}?${query.replace(/^\?/, "")}` : path;
}

async function send(form, output) {
  const headers = {};
  if (key.value) headers["X-API-Key"] = key.value.trim();
  const body = form.elements.body?.value.trim();
  if (body) headers["Content-Type"] = "application/json";
  output.hidden = false;
  output.textContent = "…";
  try {
    const answer = await fetch(address(form), { method: form.dataset.method, headers, body: body || undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it is */ }
    output.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`.trim();
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
}

function fill(form) {
  const { method, path, body } = form.dataset;
  for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
    form.append(element("label", {}, name, element("input", { name, required: true, autocomplete: "off" })));
  }
  if (method === "GET") {
    form.append(element("label", {}, "query", element("input", { name: "query", placeholder: "limit=5" })));
  } else if (body) {
    const shown = JSON.stringify(JSON.parse(body), null, 2);
    form.append(element("textarea", { name: "body", value: shown, spellcheck: false, ariaLabel: "Body" }));
  }
  const output = element("pre", { hidden: true });
  form.append(element("button", {}, "Send"), output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, output);
  });
}

for (const form of document.querySelectorAll("form.try")) {
  const toggle = element("details", {}, element("summary", {}, "Try it"));
  toggle.addEventListener("toggle", () => form.childElementCount || fill(form), { once: true });
  form.before(toggle);
  toggle.append(form);
  form.hidden = false;
}

// On a phone the contents would fill the first screen.
if (matchMedia("(max-width: 52rem)").matches) document.querySelector("nav details").open = false;

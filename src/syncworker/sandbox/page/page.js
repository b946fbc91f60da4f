// The page of the sandbox: a person is the CRM user. All text goes in through textContent, whatever the CRM holds.
"use strict";

const $ = (id) => document.getElementById(id);
const PAGE = 50;
const STATUS = "partner_registration_status";
const REQUEST = "partner_registration_request";
const FIELD_LABELS = { firstname: "First name", lastname: "Last name", email: "Email", company: "Company",
  website: "Website", country: "Country", message: "Message", phone: "Phone", jobtitle: "Job title" };
const EDITABLE = {
  contacts: ["firstname", "lastname", "email", "company", "website", "country", "phone", "jobtitle", "lifecyclestage"],
  companies: ["name", "domain", "website", "country", "industry"],
};
const SOURCES = { CRM_UI: "CRM user", INTEGRATION: "Integration", FORM: "Form", IMPORT: "Import",
  AUTOMATION_PLATFORM: "Workflow", COMPANIES: "Company automation" };

const state = { portals: [], portal: null, view: "contacts", offset: 0, total: 0, rows: new Map(), open: null,
  record: null, properties: {}, ticket: 0 };

// --- small tools ---

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

async function ask(method, path, body) {
  const answer = await fetch(path, { method, headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined });
  const text = await answer.text();
  if (!answer.ok) {
    let message = `The sandbox answered ${answer.status}`;
    try { const told = JSON.parse(text); message = told.errors?.[0]?.message || told.message || message; } catch { /* a page, not JSON */ }
    throw new Error(message);
  }
  return text ? JSON.parse(text) : null;
}

const control = (rest) => `/_sandbox/portals/${state.portal.hub_id}/${rest}`;

let toastTimer = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 3500);
}
const tell = (work) => work.catch((error) => toast(error.message));

function later(work, ms) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(work, ms); };
}

const clip = (text, most = 300) => (text.length > most ? `${text.slice(0, most)}… (${text.length} characters)` : text);

function when(iso) {
  const at = new Date(iso), seconds = (Date.now() - at) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86400 ? at.toLocaleTimeString(undefined, { timeStyle: "short" })
    : at.toLocaleDateString(undefined, { dateStyle: "medium" });
}

const definition = (kind, name) => (state.properties[kind] || {})[name];
const label = (kind, name) => definition(kind, name)?.label || FIELD_LABELS[name] || name;

function shown(kind, name, value) {
  const options = definition(kind, name)?.options || [];
  return options.find((option) => option.value === value)?.label || value;
}

function chip(kind, name, value) {
  return make("span", { class: `chip ${/^[a-z_]+$/.test(value) ? value : ""}` }, shown(kind, name, value));
}

function valueNode(kind, name, value) {
  if (!value) return make("span", { class: "muted" }, "—");
  if (name.startsWith("partner_") && definition(kind, name)?.type === "enumeration") return chip(kind, name, value);
  if (definition(kind, name)?.type === "datetime") return make("span", { title: value }, when(value));
  return make("span", {}, clip(value));
}

const title = (kind, values) => kind === "companies"
  ? values.name || values.domain || "Unnamed company"
  : [values.firstname, values.lastname].filter(Boolean).join(" ") || values.email || "Unnamed contact";

// --- the list ---

const COLUMNS = {
  contacts: [["Name"], ["Registration"], ["Email", "wide"], ["Company", "wide"], ["Changed", "wide"]],
  companies: [["Name"], ["Registration"], ["Domain", "wide"], ["Country", "wide"], ["Changed", "wide"]],
};

function cells(kind, record) {
  const values = record.properties;
  const name = make("button", { type: "button", class: "name" }, clip(title(kind, values), 80));
  const status = values[STATUS] ? chip(kind, STATUS, values[STATUS]) : "";
  const rest = kind === "contacts" ? [values.email, values.company] : [values.domain, values.country];
  const texts = [...rest.map((text) => clip(text || "", 80)), when(record.updatedAt)];
  return [make("td", {}, name), make("td", {}, status), ...texts.map((text) => make("td", { class: "wide" }, text))];
}

async function loadList() {
  if (state.view === "forms") return;
  const kind = state.view, ticket = ++state.ticket;
  const query = new URLSearchParams({ limit: PAGE, offset: state.offset, q: $("search").value });
  const answer = await ask("GET", `${control(kind)}?${query}`);
  if (ticket !== state.ticket || kind !== state.view) return;
  state.total = answer.total;
  const before = state.rows;
  state.rows = new Map(answer.results.map((record) => [record.id, record]));
  $("head").replaceChildren(...COLUMNS[kind].map(([text, wide]) => make("th", { class: wide || "" }, text)));
  $("rows").replaceChildren(...answer.results.map((record) => {
    const row = make("tr", { "aria-selected": String(record.id === state.open?.id && kind === state.open?.kind),
      onclick: () => go(kind, record.id) }, ...cells(kind, record));
    const old = before.get(record.id);
    if (before.size && (!old || old.updatedAt !== record.updatedAt)) row.classList.add("flash");
    return row;
  }));
  const searching = $("search").value.trim();
  $("empty").hidden = answer.total > 0;
  $("empty").textContent = searching ? `Nothing matches “${clip(searching, 60)}”.`
    : kind === "contacts" ? "No contacts yet. Submit a form, or create one." : "No companies yet. They come with contacts.";
  $("count").textContent = answer.total
    ? `${state.offset + 1}–${state.offset + answer.results.length} of ${answer.total.toLocaleString()}` : "";
  $("back").disabled = state.offset === 0;
  $("next").disabled = state.offset + PAGE >= answer.total;
}

// --- a record ---

async function loadRecord() {
  const open = state.open;
  if (!open) { $("record").hidden = true; state.record = null; return; }
  let record;
  try {
    record = await ask("GET", control(`${open.kind}/${encodeURIComponent(open.id)}`));
  } catch {
    toast("That record is gone.");
    go(open.kind);
    return;
  }
  if (open !== state.open) return;
  const before = state.record?.id === record.id ? state.record : null;
  state.record = record;
  if (before && $("record").contains(document.activeElement) && document.activeElement.matches("input")) {
    if (document.activeElement.value !== document.activeElement.defaultValue) return; // somebody is typing
  }
  drawRecord(open.kind, record, before);
}

function drawRecord(kind, record, before) {
  const values = record.properties, panel = $("record");
  const scrolled = before ? panel.scrollTop : 0;
  const changed = (name) => before && (before.properties[name] || "") !== (values[name] || "");
  const close = make("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => go(kind) }, "✕");
  const known = Object.keys(state.properties[kind] || {});
  const ours = known.filter((name) => name.startsWith("partner_")).sort((a, b) => (b === STATUS) - (a === STATUS));
  const editable = EDITABLE[kind] || [];
  const others = Object.keys(values).filter((name) => !ours.includes(name) && !editable.includes(name)).sort();

  const pairs = (names, node) => make("dl", { class: "pairs" }, ...names.flatMap((name) => [
    make("dt", { title: name }, label(kind, name)),
    make("dd", { class: changed(name) ? "flash" : "" }, node(name)),
  ]));
  const plain = (name) => valueNode(kind, name, values[name]);
  const own = (name) => (name === REQUEST && kind === "contacts" ? choice(kind, record, name) : plain(name));

  panel.replaceChildren(
    make("div", { class: "title" },
      make("div", {}, make("h1", {}, clip(title(kind, values), 120)),
        make("p", { class: "muted" }, clip((kind === "contacts" ? values.email : values.domain) || "", 120))),
      record.archived ? make("span", { class: "chip" }, "Deleted") : values[STATUS] ? chip(kind, STATUS, values[STATUS]) : "",
      close),
    make("h2", {}, "Partner registration"),
    ours.length ? pairs(ours, own)
      : make("p", { class: "muted" }, "This portal has none of the partner properties yet; connecting it creates them."),
    make("h2", {}, kind === "contacts" ? "Companies" : "Contacts"),
    record.associations.length ? make("ul", { class: "links" }, ...record.associations.map((link) => make("li", {},
      make("button", { type: "button", onclick: () => go(link.type, link.id) }, clip(link.name || link.id, 80)),
      link.primary ? make("span", { class: "chip note" }, "Primary") : ""))) : make("p", { class: "muted" }, "None"),
    make("h2", {}, "About"),
    pairs(editable, (name) => editor(kind, record, name)),
    make("h2", {}, "All other properties"),
    pairs(others, plain),
    make("h2", {}, "History"),
    make("ul", { class: "history" }, ...record.history.slice(0, 60).map((one) => make("li", {},
      make("span", {}, `${label(kind, one.property)}: `), make("b", {}, one.value ? clip(shown(kind, one.property, one.value), 120) : "cleared"),
      make("small", {}, `${SOURCES[one.sourceType] || one.sourceType} · ${when(one.timestamp)}`)))),
    make("div", { class: "actions" },
      record.archived
        ? make("button", { type: "button", onclick: () => act(kind, record, "restore") }, "Restore")
        : make("button", { type: "button", class: "danger", onclick: () => act(kind, record, "delete") }, "Delete")),
  );
  panel.hidden = false;
  panel.scrollTop = scrolled;
}

function save(kind, record, name, value) {
  return tell(ask("POST", control(`${kind}/${record.id}`), { properties: { [name]: value }, as: "CRM_UI" })
    .then(() => Promise.all([loadRecord(), loadList()])));
}

function choice(kind, record, name) {
  const present = record.properties[name] || "";
  const options = [{ value: "", label: "—" }, ...(definition(kind, name)?.options || [])];
  const select = make("select", { "aria-label": label(kind, name), onchange: () => save(kind, record, name, select.value) },
    ...options.map((option) => make("option", { value: option.value, selected: option.value === present }, option.label)));
  return select;
}

function editor(kind, record, name) {
  if (definition(kind, name)?.type === "enumeration") return choice(kind, record, name);
  const value = record.properties[name] || "";
  if (value.length > 2000) return valueNode(kind, name, value);
  const input = make("input", { value, "aria-label": label(kind, name), placeholder: "—",
    onchange: () => { input.defaultValue = input.value; save(kind, record, name, input.value); },
    onkeydown: (event) => { if (event.key === "Enter") input.blur(); } });
  return input;
}

async function act(kind, record, action) {
  await tell(ask("POST", control(`${kind}/${record.id}/${action}`), {}));
  if (action === "delete") { toast("Deleted. It can be restored while it is in the recycle bin."); }
  await Promise.all([loadRecord(), loadList()]);
}

// --- forms, and new contacts ---

const EXAMPLES = {
  first: ["Alva", "Emil", "Freja", "Hugo", "Leila", "Nils", "Saga", "Tove"],
  last: ["Almqvist", "Bergman", "Dahl", "Holm", "Lind", "Nyberg", "Rask", "Wallin"],
  stem: ["fjord", "malm", "nord", "tall", "vind", "glim", "odal", "klar"],
  end: ["pump", "logik", "kraft", "optik", "verk", "teknik", "frakt", "robot"],
};
const pick = (list) => list[Math.floor(Math.random() * list.length)];

function exampleLead() {
  const first = pick(EXAMPLES.first), last = pick(EXAMPLES.last);
  const stem = pick(EXAMPLES.stem) + pick(EXAMPLES.end), domain = `${stem}${Math.floor(Math.random() * 900 + 100)}.se`;
  return { firstname: first, lastname: last, email: `${first}.${last}@${domain}`.toLowerCase(),
    company: stem[0].toUpperCase() + stem.slice(1), website: `https://www.${domain}`, country: "Sweden",
    message: "Please send me your product data." };
}

function fields(into, names) {
  $(into).replaceChildren(...names.map((name) => make("label", {}, FIELD_LABELS[name] || name,
    make("input", { name, type: name === "email" ? "email" : "text", autocomplete: "off" }))));
}

function drawForm() {
  const form = state.portal.forms.find((one) => one.id === $("form-choice").value) || state.portal.forms[0];
  $("form").hidden = !form;
  $("no-forms").hidden = Boolean(form);
  if (!form) return;
  fields("form-fields", form.fields);
  $("form-note").textContent = form.auto_register ? "Leads of this form are meant to be registered." : "Leads of this form are not registered by themselves.";
  $("form-result").textContent = "";
}

function drawForms() {
  $("form-choice").replaceChildren(...state.portal.forms.map((form) => make("option", { value: form.id }, form.name)));
  drawForm();
}

async function submitForm(event) {
  event.preventDefault();
  const given = [...new FormData($("form")).entries()].filter(([, value]) => value);
  const result = $("form-result");
  result.className = "";
  const email = (given.find(([name]) => name === "email") || [])[1];
  try {
    if (!email) throw new Error("An email is needed: it names the contact.");
    await ask("POST", `/submissions/v3/integration/submit/${state.portal.hub_id}/${$("form-choice").value}`, {
      fields: given.map(([name, value]) => ({ objectTypeId: "0-1", name, value })),
      context: { pageUri: "https://www.example.com/product-data", pageName: "Product data" },
    });
    const found = await ask("GET", `${control("contacts")}?email=${encodeURIComponent(email.trim().toLowerCase())}`);
    const contact = found.results[0];
    result.replaceChildren("Submitted. ", contact ? make("a", { href: `#/${state.portal.hub_id}/contacts/${contact.id}` },
      `Open ${clip(title("contacts", contact.properties), 60)}`) : "");
  } catch (error) {
    result.className = "error";
    result.textContent = error.message;
  }
}

async function createContact(event) {
  event.preventDefault();
  const properties = Object.fromEntries([...new FormData($("new")).entries()].filter(([, value]) => value));
  try {
    const made = await ask("POST", control("contacts"), { properties, auto_company: $("new-company").checked });
    $("dialog").close();
    go("contacts", made.id);
  } catch (error) {
    $("new-error").textContent = error.message;
  }
}

// --- where we are ---

function go(view, id) {
  const hash = `#/${state.portal.hub_id}/${view}${id ? `/${id}` : ""}`;
  if (location.hash === hash) follow(); else location.hash = hash;
}

async function loadProperties() {
  const kinds = ["contacts", "companies"];
  const answers = await Promise.all(kinds.map((kind) => ask("GET", control(`properties/${kind}`))));
  state.properties = Object.fromEntries(kinds.map((kind, index) =>
    [kind, Object.fromEntries(answers[index].results.map((one) => [one.name, one]))]));
}

async function follow() {
  const [hub, view, id] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const portal = state.portals.find((one) => String(one.hub_id) === hub) || state.portal || state.portals[0];
  const moved = portal !== state.portal || (view || "contacts") !== state.view;
  if (portal !== state.portal) { state.portal = portal; await loadProperties(); }
  $("portal").value = String(portal.hub_id);
  state.view = ["companies", "forms"].includes(view) ? view : "contacts";
  if (moved) { state.offset = 0; state.rows = new Map(); $("search").value = ""; }
  const opens = id && state.view !== "forms";
  state.open = opens ? { kind: state.view, id } : null;
  for (const tab of document.querySelectorAll(".tab")) {
    if (tab.dataset.view === state.view) tab.setAttribute("aria-current", "page"); else tab.removeAttribute("aria-current");
  }
  $("list").hidden = state.view === "forms";
  $("forms").hidden = state.view !== "forms";
  $("create").hidden = state.view !== "contacts";
  if (state.view === "forms" && moved) drawForms();
  await tell(Promise.all([loadList(), loadRecord()]));
}

function listen() {
  const list = later(() => tell(loadList()), 250), record = later(() => tell(loadRecord()), 120);
  const schema = later(() => tell(loadProperties().then(loadRecord)), 200);
  const source = new EventSource("/_sandbox/events");
  source.onopen = () => { $("live").className = "live on"; $("live").lastElementChild.textContent = "live"; list(); record(); };
  source.onerror = () => { $("live").className = "live"; $("live").lastElementChild.textContent = "reconnecting"; };
  source.onmessage = (message) => {
    const news = JSON.parse(message.data);
    if (news.what === "reset") { location.reload(); return; }
    if (news.hub_id !== state.portal?.hub_id) return;
    if (news.what === "defined") { schema(); return; }
    if (news.type === state.view) list();
    if (state.open && news.type === state.open.kind && news.id === state.record?.id) record();
  };
}

async function start() {
  state.portals = await ask("GET", "/_sandbox/portals");
  $("portal").replaceChildren(...state.portals.map((portal) =>
    make("option", { value: String(portal.hub_id) }, `${portal.name} · ${portal.hub_id}`)));
  $("portal").addEventListener("change", () => { location.hash = `#/${$("portal").value}/${state.view}`; });
  for (const tab of document.querySelectorAll(".tab")) tab.addEventListener("click", () => go(tab.dataset.view));
  $("search").addEventListener("input", later(() => { state.offset = 0; tell(loadList()); }, 200));
  $("back").addEventListener("click", () => { state.offset = Math.max(0, state.offset - PAGE); tell(loadList()); });
  $("next").addEventListener("click", () => { state.offset += PAGE; tell(loadList()); });
  $("form").addEventListener("submit", submitForm);
  $("form-choice").addEventListener("change", drawForm);
  $("example").addEventListener("click", () => {
    for (const [name, value] of Object.entries(exampleLead())) {
      const input = $("form").elements.namedItem(name);
      if (input) input.value = value;
    }
  });
  $("create").addEventListener("click", () => {
    fields("new-fields", ["firstname", "lastname", "email", "company", "website", "country"]);
    $("new-error").textContent = "";
    $("dialog").showModal();
  });
  $("new").addEventListener("submit", createContact);
  $("new-cancel").addEventListener("click", () => $("dialog").close());
  addEventListener("hashchange", () => tell(follow()));
  addEventListener("keydown", (event) => { if (event.key === "Escape" && state.open && !$("dialog").open) go(state.open.kind); });
  await follow();
  listen();
}

tell(start());

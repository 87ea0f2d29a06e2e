"use strict";

/* What the page shows comes from the control API under /_mock/ and nowhere else. */

const KEPT = 200;
const KEY = "INJECTED-AT-VERIFICATION";
const CORRELATION = "00000000-0000-4000-8000-000000000000";

/* An id is shown by its ends, and copied whole. */
const ID_LIST = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:(?:,|%2C)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})*\b/gi;

const $ = (id) => document.getElementById(id);
const state = { urls: {}, labels: {}, paused: false, waiting: [], last: 0, start: "", coverage: "", isFollowing: false };

function label(provider) {
  return state.labels[provider] || provider;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") made.addEventListener("click", value);
    else if (key === "class") made.className = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

async function api(path, method = "GET", body = undefined) {
  const answer = await fetch(`/_mock/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const document_ = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(typeof document_?.detail === "string" ? document_.detail : `status ${answer.status}`);
  return document_;
}

/* Copying */

const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

function curl(provider, method, target, headers, body = "") {
  const sent = { ...headers };
  if (!("x-internal-api-key" in sent)) sent["x-internal-api-key"] = KEY;
  const skipped = new Set(["host", "connection", "content-length", "accept-encoding"]);
  const parts = Object.entries(sent).filter(([name]) => !skipped.has(name))
    .flatMap(([name, value]) => String(value).split("\n").map((one) => `-H ${quoted(`${name}: ${one}`)}`));
  if (method !== "GET") parts.unshift(`-X ${method}`);
  if (body) parts.push(`--data-raw ${quoted(body)}`);
  return `curl --globoff ${parts.join(" ")} ${quoted((state.urls[provider] || "") + target)}`;
}

function copier(text, name = "Copy as curl") {
  const button = element("button", { type: "button", class: "copy" }, name);
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      window.prompt("Copy this line", text());
    }
    setTimeout(() => { button.textContent = name; }, 1500);
  });
  return button;
}

document.addEventListener("copy", (event) => {
  const selected = document.getSelection();
  if (!selected.rangeCount || selected.isCollapsed) return;
  const copied = selected.getRangeAt(0).cloneContents();
  const shortenedParts = copied.querySelectorAll("[data-whole]");
  if (!shortenedParts.length) return;
  for (const part of shortenedParts) part.textContent = part.dataset.whole;
  event.clipboardData.setData("text/plain", copied.textContent);
  event.preventDefault();
});

/* Journal */

function matches(entry) {
  const text = $("filter").value.trim().toLowerCase();
  if ($("only-refused").checked && entry.dataset.refused !== "true") return false;
  return text === "" || entry.dataset.text.includes(text);
}

function refilter() {
  for (const entry of $("entries").children) entry.hidden = !matches(entry);
}

/* A text whose ids are shortened in the middle; of a list of ids the first two are shown, and how many more there are. */
function shortened(text) {
  const parts = [];
  let at = 0;
  for (const list of text.matchAll(ID_LIST)) {
    const ids = list[0].split(/,|%2C/i);
    const shown = ids.length > 3 ? 2 : ids.length;
    parts.push(text.slice(at, list.index));
    ids.slice(0, shown).forEach((id, one) => parts.push(one ? "," : "", short(id)));
    if (shown < ids.length) parts.push(element("span", { "data-whole": `,${ids.slice(shown).join(",")}` }, ` and ${ids.length - shown} more`));
    at = list.index + list[0].length;
  }
  return [...parts, text.slice(at)];
}

function short(id) {
  return element("span", { "data-whole": id, title: id }, `${id.slice(0, 4)}…${id.slice(-4)}`);
}

function outcome(exchange) {
  if (exchange.violations.length) return `breaks the contract: ${exchange.violations[0].where} ${exchange.violations[0].path}`;
  if (exchange.differences.length) {
    const [first, ...more] = exchange.differences;
    const said = first.actual === null ? `${first.where} is missing` : first.expected === null ? `${first.where} is too many` : `${first.where}: ${first.actual}`;
    return `${exchange.refused ? "refused" : "overlooked"}: ${said}${more.length ? `, and ${more.length} more` : ""}`;
  }
  if (exchange.reason) return exchange.reason;
  if (exchange.fault) return exchange.fault;
  return exchange.interaction || "";
}

function show(exchange) {
  const made = $("entry").content.firstElementChild.cloneNode(true);
  const line = made.querySelector(".line");
  const isRefused = exchange.refused || exchange.violations.length > 0;
  const kind = isRefused ? "no" : exchange.fault || exchange.status === 0 || exchange.status >= 500 ? "fault"
    : exchange.status >= 400 ? "own" : "ok";
  made.dataset.refused = String(isRefused);
  made.dataset.text = [exchange.method, exchange.target, exchange.status, exchange.interaction, exchange.fault, exchange.session,
    label(exchange.provider), ...Object.values(exchange.headers)].join(" ").toLowerCase();
  made.className = kind;
  if (state.isFollowing) made.classList.add("new"); // what was there at load does not flash
  line.querySelector(".status").classList.add(kind);
  const at = new Date(exchange.at);
  line.querySelector("time").textContent = `${at.toLocaleTimeString([], { hour12: false })}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  line.querySelector("time").dateTime = exchange.at;
  line.querySelector(".status").textContent = exchange.status || "–";
  line.querySelector(".who").textContent = label(exchange.provider);
  const what = `${exchange.method} ${exchange.target}`;
  line.querySelector(".what").replaceChildren(...shortened(what));
  line.title = what;
  line.querySelector(".how").textContent = outcome(exchange);
  line.addEventListener("click", () => {
    const details = made.querySelector(".details");
    if (!details.childElementCount) details.append(...detailsOf(exchange));
    details.hidden = !details.hidden;
    line.setAttribute("aria-expanded", String(!details.hidden));
    line.querySelector(".what").replaceChildren(...(details.hidden ? shortened(what) : [what]));
  });
  made.hidden = !matches(made);
  return made;
}

function detailsOf(exchange) {
  const facts = [["Correlation id", exchange.headers["x-correlation-id"]], ["Session", exchange.session], ["Fault", exchange.fault],
    ["Interaction", exchange.interaction], ["Took", `${(exchange.seconds * 1000).toFixed(1)} ms`], ["Body", exchange.body]];
  const list = element("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, value)]));
  const headers = element("details", {}, element("summary", {}, "Headers"), element("dl", {},
    ...Object.entries(exchange.headers).flatMap(([name, value]) => [element("dt", {}, name), element("dd", { class: "mono" }, value)])));
  const answer = exchange.answer && element("details", {}, element("summary", {}, `Answer, ${exchange.answer.size} bytes`),
    element("pre", { class: "mono" }, exchange.answer.text));
  return [
    exchange.differences.length ? comparison(exchange) : null,
    exchange.violations.length ? violations(exchange) : null,
    list,
    headers,
    answer,
    element("div", {}, copier(() => curl(exchange.provider, exchange.method, exchange.target, exchange.headers, exchange.body))),
  ].filter(Boolean);
}

function table(caption, head, rows) {
  return element("table", { class: "differences" }, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((title) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...rows.map(({ cells: [name, ...values], differs = true }) => element("tr", { class: differs ? "differs" : "" },
      element("th", { scope: "row" }, name), ...values.map((value) => element("td", { class: "mono" }, value ?? ""))))));
}

/* The request beside the closest interaction, part by part; what differs is marked in both. */
function comparison(exchange) {
  const { nearest } = exchange;
  const found = grouped(exchange.differences, (one) => one.where);
  const rows = nearest ? partsOf(exchange, nearest).map(([part, sent, example]) => {
    const several = found.get(part);
    found.delete(part);
    return several ? differing(part, several, example) : { cells: [part, sent, example], differs: false };
  }) : [];
  rows.push(...[...found].map(([part, several]) => differing(part, several)));
  const caption = nearest ? `Closest interaction: ${nearest.interaction}` : "What the contract asks for";
  return table(caption, ["Change", "Sent", "Contract"], rows);
}

function partsOf(exchange, nearest) {
  const [path, query = ""] = exchange.target.split("?");
  const sent = new URLSearchParams(query);
  const names = [...new Set([...Object.keys(nearest.query), ...sent.keys()])];
  return [
    ["method", exchange.method, nearest.method],
    ["path", path, nearest.path],
    ...names.map((name) => [`query ${name}`, sent.getAll(name).join(", "), nearest.query[name]?.join(", ")]),
    ...Object.entries(nearest.headers).map(([name, value]) => [`header ${name}`, exchange.headers[name], value]),
  ];
}

function differing(part, several, example = undefined) {
  const [{ expected, actual, change }] = several;
  const sent = actual === null ? ["(nothing)"] : marked(actual, part === "path" ? expected : null);
  const wanted = expected === null ? ["(nothing)"] : marked(expected, part === "path" ? actual : null);
  const such = example && expected !== null && example !== expected ? [element("span", { class: "quiet" }, ` such as ${example}`)] : [];
  const said = expected === null ? change : change.slice(0, change.length - expected.length - 2);
  return { cells: [said, element("span", {}, ...sent), element("span", {}, ...wanted, ...such)] };
}

/* A text with what is not the same in another one marked; the whole of it where there is nothing to compare with. */
function marked(text, other) {
  if (other === null) return [element("mark", {}, text)];
  let begin = 0, end = 0;
  const shorter = Math.min(text.length, other.length);
  while (begin < shorter && text[begin] === other[begin]) begin += 1;
  while (end < shorter - begin && text.at(-1 - end) === other.at(-1 - end)) end += 1;
  return [text.slice(0, begin), element("mark", {}, text.slice(begin, text.length - end)), text.slice(text.length - end)];
}

function violations(exchange) {
  return table("How the answer breaks the contract", ["Where", "Path", "What the contract says"], exchange.violations.map((one) => ({ cells: [one.where, one.path, one.message] })));
}

function arrive(exchanges) {
  if (state.paused) {
    state.waiting.push(...exchanges);
    state.waiting.splice(0, Math.max(0, state.waiting.length - KEPT));
    $("pause").textContent = `Resume (${state.waiting.length})`;
    return;
  }
  const entries = $("entries");
  entries.prepend(...exchanges.map(show).reverse());
  while (entries.childElementCount > KEPT) entries.lastElementChild.remove();
  $("empty").hidden = entries.childElementCount > 0;
}

function listen() {
  const source = new EventSource(`/_mock/events?after=${state.last}&start=${state.start}`);
  source.addEventListener("open", () => {
    $("connection").textContent = "connected";
    $("connection").className = "";
  });
  source.addEventListener("exchanges", (event) => {
    const { start, count, exchanges } = JSON.parse(event.data);
    if (start !== state.start) $("entries").replaceChildren(); // the mock was restarted
    state.start = start;
    state.last = count;
    $("count").textContent = count ? `${count.toLocaleString()} requests` : "";
    arrive(exchanges);
    state.isFollowing = true;
    refreshCoverage();
  });
  source.addEventListener("changed", refresh);
  source.addEventListener("error", () => {
    source.close();
    $("connection").textContent = "connection lost, trying again …";
    $("connection").className = "lost";
    setTimeout(() => { listen(); refresh().catch(() => {}); }, 1000);
  });
}

/* What is loaded */

async function refresh() {
  const [overview, scenarios] = await Promise.all([api(""), api("scenarios")]);
  state.urls = Object.fromEntries(overview.backends.map((one) => [one.provider, one.url || ""]));
  state.labels = Object.fromEntries(overview.backends.map((one) => [one.provider, one.label]));
  document.title = `Mock ${overview.backends.map((one) => one.label).join(" and ")}`;
  $("backends").replaceChildren(...overview.backends.map((one) =>
    element("li", {}, element("strong", {}, label(one.provider)), " ", element("code", {}, one.url || "in process"),
      one.proxied ? ` → ${one.proxied}` : "")));
  $("notice").textContent = overview.problem || "";
  $("notice").hidden = !overview.problem;
  const known = scenarios.known.includes(scenarios.current) ? scenarios.known : [...scenarios.known, scenarios.current];
  $("scenario").replaceChildren(...known.map((name) => element("option", { value: name }, name)));
  $("scenario").value = scenarios.current;
  $("about").textContent = overview.about;
  $("teachers").replaceChildren(...overview.teachers.map((teacher) => element("li", {},
    titled(element("span", { class: "name" }, teacher.name), `${teacher.batches} batches`),
    copier(() => curl("result-aggregator-service", "GET", `/internal/v1/batches/user/${encodeURIComponent(teacher.user_id)}?limit=20&offset=0`,
      { "x-service-id": "bff-teacher-service", "x-correlation-id": CORRELATION })),
    element("span", { class: "note" }, teacher.purpose ? `${teacher.purpose} · ` : "", element("code", {}, ...shortened(teacher.user_id)), " ",
      copier(() => teacher.user_id, "Copy id")))));
  const armed = overview.faults;
  $("armed").replaceChildren(...armed.map((one) => element("li", {},
    titled(element("code", { class: "name" }, one.fault), `on ${named(one.route)}`),
    element("button", { type: "button", "aria-label": `Disarm ${one.fault} on ${named(one.route)}`,
      onclick: () => guarded(async () => { await api(`faults/${one.number}`, "DELETE"); await refresh(); }) }, "Disarm"))));
  $("disarm").hidden = armed.length === 0;
  await refreshCoverage(true);
}

function titled(name, quiet) {
  return element("span", {}, name, " ", element("span", { class: "quiet" }, quiet));
}

let coverageIsDue = null;

function refreshCoverage(now = false) {
  if (now) return loadCoverage();
  coverageIsDue ??= setTimeout(() => { coverageIsDue = null; loadCoverage().catch(() => {}); }, 1000);
  return undefined;
}

async function loadCoverage() {
  const coverage = await api("coverage?session=*");
  const text = JSON.stringify(coverage);
  if (text === state.coverage) return;
  state.coverage = text;
  $("covered").textContent = `${coverage.used} of ${coverage.total} interactions used`;
  $("coverage-bar").max = Math.max(1, coverage.total);
  $("coverage-bar").value = coverage.used;
  const groups = grouped(coverage.interactions, (one) => one.route);
  showRoutes([...groups.keys()]);
  const open = new Set([...$("endpoints").querySelectorAll("details[open]")].map((one) => one.dataset.route));
  $("endpoints").replaceChildren(...[...groups].map(([route, interactions]) => {
    const used = interactions.filter((one) => one.times > 0).length;
    const made = element("details", { "data-route": route },
      element("summary", {}, element("code", {}, named(route)), element("span", { class: "quiet" }, ` ${used}/${interactions.length}`)),
      element("ul", {}, ...interactions.map((one) => element("li", { class: one.times ? "" : "unused" },
        element("span", {}, one.interaction), element("span", { class: "times" }, one.times ? `${one.times}×` : "never")))));
    made.open = open.has(route);
    return made;
  }));
}

/* Where faults can be armed: everywhere, at a provider, at an endpoint. */
function showRoutes(routes) {
  const chosen = $("route").value;
  const providers = [...new Set(routes.map((route) => route.split(" ")[0]))];
  const options = [["*", "everything"], ...providers.map((one) => [one, `all of ${label(one)}`]), ...routes.map((one) => [one, named(one)])];
  $("route").replaceChildren(...options.map(([value, label]) => element("option", { value }, label)));
  if (options.some(([value]) => value === chosen)) $("route").value = chosen;
}

/* A route with the short name of its provider. */
function named(route) {
  const [provider, ...rest] = route.split(" ");
  return [label(provider), ...rest].join(" ");
}

function grouped(all, key) {
  const groups = new Map();
  for (const one of all) groups.set(key(one), [...(groups.get(key(one)) || []), one]);
  return groups;
}

async function loadOnce() {
  const states = await api("states");
  $("states").replaceChildren(...states.map((one) => element("li", {},
    titled(element("span", { class: "name" }, one.name), label(one.provider)),
    element("span", { class: "note" }, ...one.meaning.split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part))),
    element("span", { class: "note" }, "params: ", element("code", {}, one.params.required.join(", "))))));
}

/* What can be changed */

async function guarded(work, complain = $("action-error")) {
  try {
    complain.hidden = true;
    await work();
  } catch (error) {
    complain.textContent = error.message;
    complain.hidden = false;
  }
}

$("scenario").addEventListener("change", () =>
  guarded(async () => { await api("scenario", "PUT", { scenario: $("scenario").value }); await refresh(); }));
$("arm").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(async () => {
    await api("faults", "POST", { route: $("route").value, fault: $("fault").value });
    await refresh();
  }, $("fault-error"));
});
$("fault").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  $("arm").requestSubmit();
});
$("preset").addEventListener("change", () => {
  if ($("preset").value) $("fault").value = $("preset").value;
  $("preset").value = "";
  $("fault").focus();
});
$("disarm").addEventListener("click", () => guarded(async () => { await api("faults", "DELETE"); await refresh(); }));
$("clear").addEventListener("click", () => guarded(async () => {
  await api("journal?session=*", "DELETE");
  state.waiting = [];
  $("entries").replaceChildren();
  $("empty").hidden = false;
  await refreshCoverage(true);
}));
$("pause").addEventListener("click", () => {
  state.paused = !state.paused;
  $("pause").setAttribute("aria-pressed", String(state.paused));
  $("pause").textContent = state.paused ? "Resume" : "Pause";
  if (!state.paused) arrive(state.waiting.splice(0));
});
$("filter").addEventListener("input", refilter);
$("only-refused").addEventListener("change", refilter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("filter").focus();
  }
});

guarded(async () => { await refresh(); await loadOnce(); }).then(listen);

"use strict";

/* The page shows data of the control API under /_mock/ alone. */

const KEPT = 200;

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
  const response = await fetch(`/_mock/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const document_ = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(typeof document_?.detail === "string" ? document_.detail : `status ${response.status}`);
  return document_;
}

/* Journal */

function matches(entry) {
  const text = $("filter").value.trim().toLowerCase();
  if ($("only-refused").checked && entry.dataset.refused !== "true") return false;
  return text === "" || entry.dataset.text.includes(text);
}

function refilter() {
  for (const entry of $("entries").children) entry.hidden = !matches(entry);
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
    titled(element("code", { class: "name" }, one.fault), covered(one, overview.teachers)),
    element("button", { type: "button", "aria-label": `Disarm ${one.fault} ${covered(one, overview.teachers)}`,
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

/* Which requests an armed fault is for. */
function covered(fault, teachers) {
  const where = `on ${fault.route === "*" ? "everything" : named(fault.route)}`;
  const teacher = teachers.find((one) => fault.about.includes(one.user_id));
  if (teacher) return `${where} of ${teacher.name}`;
  return fault.about.length ? `${where} about ${fault.about.length} ids` : where;
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

async function guarded(work, problem = $("action-error")) {
  try {
    problem.hidden = true;
    await work();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
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

"use strict";

/* How one request of the journal is shown: its line, its details, the closest interaction, what can be copied. */

const KEY = "INJECTED-AT-VERIFICATION";
const CORRELATION = "00000000-0000-4000-8000-000000000000";

/* An id is shown by its ends, and copied whole. */
const ID_LIST = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:(?:,|%2C)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})*\b/gi;

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

/* A text whose ids are shortened in the middle; of a list of ids, the first two and the number of the others. */
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
  made.dataset.text = [exchange.method, exchange.target, exchange.status, ...exchange.interactions, exchange.fault, exchange.session,
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
    ["Interaction", exchange.interactions.join("; ")], ["Took", `${(exchange.seconds * 1000).toFixed(1)} ms`], ["Body", exchange.body]];
  const list = element("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, value)]));
  const headers = element("details", {}, element("summary", {}, "Headers"), element("dl", {},
    ...Object.entries(exchange.headers).flatMap(([name, value]) => [element("dt", {}, name), element("dd", { class: "mono" }, value)])));
  const response = exchange.response && element("details", {}, element("summary", {}, `Response, ${exchange.response.size} bytes`),
    element("pre", { class: "mono" }, exchange.response.text));
  return [
    exchange.differences.length ? comparison(exchange) : null,
    exchange.violations.length ? violations(exchange) : null,
    list,
    headers,
    response,
    element("div", {}, copier(() => curl(exchange.provider, exchange.method, exchange.target, exchange.headers, exchange.body))),
  ].filter(Boolean);
}

function table(caption, head, rows) {
  return element("table", { class: "differences" }, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((title) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...rows.map(({ cells: [name, ...values], differs = true }) => element("tr", { class: differs ? "differs" : "" },
      element("th", { scope: "row" }, name), ...values.map((value) => element("td", { class: "mono" }, value ?? ""))))));
}

/* The request beside the closest interaction, part by part, with the differences marked in both. */
function comparison(exchange) {
  const { nearest } = exchange;
  const found = grouped(exchange.differences, (one) => one.where);
  const rows = nearest ? partsOf(exchange, nearest).map(([part, sent, example]) => {
    const several = found.get(part);
    found.delete(part);
    return several ? differing(part, several, example) : { cells: [part, sent, example], differs: false };
  }) : [];
  rows.push(...[...found].map(([part, several]) => differing(part, several)));
  const caption = nearest ? `Closest interaction: ${nearest.interaction}` : "What the contract expects";
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

/* A text with its differences from another one marked; all of it where there is nothing to compare with. */
function marked(text, other) {
  if (other === null) return [element("mark", {}, text)];
  let begin = 0, end = 0;
  const shorter = Math.min(text.length, other.length);
  while (begin < shorter && text[begin] === other[begin]) begin += 1;
  while (end < shorter - begin && text.at(-1 - end) === other.at(-1 - end)) end += 1;
  return [text.slice(0, begin), element("mark", {}, text.slice(begin, text.length - end)), text.slice(text.length - end)];
}

function violations(exchange) {
  return table("How the response breaks the contract", ["Where", "Path", "What the contract says"], exchange.violations.map((one) => ({ cells: [one.where, one.path, one.message] })));
}

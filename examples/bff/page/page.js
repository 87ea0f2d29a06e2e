"use strict";

/* What is shown comes from the BFF's dashboard route; all of it is set as text, never as markup. */

const ROWS = 20;
const EVERY_MS = 5000;
const OTHER = "other";
const SHORT = { "result-aggregator-service": "RAS", "class-management-service": "CMS" };
const PHASES = {
  spellcheck: "spellcheck", cj_assessment: "CJ assessment", ai_feedback: "AI feedback", nlp: "language analysis",
  student_matching: "student matching",
};
const REASONS = {
  connect: "no connection", disconnect: "the connection was lost", status: "it answered with an error status",
  timeout: "no response in time", breaker_open: "it failed too often: the circuit breaker is open and nothing was sent",
  queue_full: "too many calls wait already: nothing was sent",
};
const NOTHING_SENT = new Set(["breaker_open", "queue_full"]);
const TONES = {
  completed_successfully: "good", completed_with_failures: "warn", failed: "bad", processing: "busy", ready: "busy",
};

const $ = (id) => document.getElementById(id);
const words = (text) => text.replaceAll("_", " ");
const state = { page: 1, teachers: [], asking: null, shown: "" };

/* What is chosen stands in the address, so that it can be reloaded and passed on. */

const teacher = () => ($("teacher").value === OTHER ? $("other").value.trim() : $("teacher").value);

function remember() {
  const query = new URLSearchParams({ teacher: teacher() });
  if ($("status").value) query.set("status", $("status").value);
  if (state.page > 1) query.set("page", state.page);
  history.replaceState(null, "", `?${query}`);
}

function choose(userId) {
  const known = state.teachers.find((one) => one.user_id === userId);
  $("teacher").value = known ? userId : OTHER;
  if (!known) $("other").value = userId;
  $("other-field").hidden = Boolean(known);
  $("purpose").textContent = known ? known.purpose : "Any id works: for an unknown teacher RAS has an empty page.";
}

function options(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

async function readContext() {
  const context = await (await fetch("/page.json")).json();
  const before = JSON.stringify(state.teachers);
  $("control").href = context.control;
  if (JSON.stringify(context.teachers) === before) return;
  const chosen = state.teachers.length ? teacher() : new URLSearchParams(location.search).get("teacher");
  const status = $("status").value || new URLSearchParams(location.search).get("status") || "";
  state.teachers = context.teachers;
  options($("teacher"), [...context.teachers.map((one) => [one.user_id, one.name]), [OTHER, "another id …"]]);
  options($("status"), [["", "any"], ...context.statuses.map((one) => [one, words(one)])]);
  $("status").value = context.statuses.includes(status) ? status : "";
  choose(chosen ?? context.teachers[0]?.user_id ?? "");
}

/* Asking */

class Problem extends Error {
  constructor(title, message, facts, isInJournal) {
    super(message);
    Object.assign(this, { title, facts, isInJournal });
  }
}

function problemOf(response, text) {
  let error;
  try {
    error = JSON.parse(text).error;
  } catch { /* not the BFF's own words */ }
  if (!error) return new Problem(`${response.status}`, "This is not the platform's envelope.", [], false);
  const { backend, operation, reason, problems } = error.details;
  return new Problem(`${response.status} ${error.code}`, error.message, [
    ["Correlation id", error.correlation_id],
    ["Backend", backend && (SHORT[backend] ? `${SHORT[backend]} (${backend})` : backend)],
    ["Call", operation],
    ["Reason", reason && (REASONS[reason] ?? reason)],
    ["Try again after", response.headers.has("Retry-After") && `${response.headers.get("Retry-After")} s`],
    ["Problems", problems && problems.map((one) => `${one.where}: ${one.problem}`).join("; ")],
  ].filter(([, value]) => value), Boolean(backend) && !NOTHING_SENT.has(reason));
}

async function ask(signal) {
  if (!/^[\x20-\x7e]*$/.test(teacher())) {
    throw new Problem("No such id", "An id goes into a header, which takes no letters but those of ASCII.", [], false);
  }
  const query = new URLSearchParams({ limit: ROWS, offset: (state.page - 1) * ROWS });
  if ($("status").value) query.set("status", $("status").value);
  let response;
  try {
    response = await fetch(`/bff/v1/teacher/dashboard?${query}`, { headers: { "X-User-ID": teacher() }, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("No response", "The BFF cannot be reached. Does it still run?", [], false);
  }
  const text = await response.text();
  if (!response.ok) throw problemOf(response, text);
  return text;
}

async function load({ quietly = false } = {}) {
  state.asking?.abort();
  const asking = state.asking = new AbortController();
  $("content").classList.add("loading");
  if (!quietly) setText("loading …");
  try {
    const text = await ask(asking.signal);
    if (!asking.signal.aborted) show(text);
  } catch (error) {
    if (asking.signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    showProblem(error, { quietly });
  } finally {
    if (state.asking === asking) {
      state.asking = null;
      $("content").classList.remove("loading");
    }
  }
}

/* Showing */

/* Unchanged text is left alone: a screen reader would read it again. */
function setText(text, id = "range") {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function showProblem(problem, { quietly }) {
  /* Unchanged: a selection in the id is kept. */
  if (quietly && $("problem-title").textContent === problem.title && $("message").textContent === problem.message) return;
  state.shown = "";
  $("batches").hidden = true;
  setText(problem.title, "problem-title");
  setText(problem.message, "message");
  $("facts").replaceChildren(...problem.facts.flatMap(([name, value]) => {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    description.textContent = value;
    return [term, description];
  }));
  $("hint").hidden = !problem.isInJournal;
  $("problem").hidden = false;
}

function show(text) {
  $("problem").hidden = true;
  setText("", "problem-title");
  $("batches").hidden = false;
  const { batches, offset, total } = JSON.parse(text);
  setText(batches.length ? `${offset + 1}–${offset + batches.length} of ${total}` : `0 of ${total}`);
  $("previous").disabled = state.page === 1;
  $("next").disabled = offset + batches.length >= total;
  if (text === state.shown) return;
  state.shown = text;
  $("rows").replaceChildren(...batches.map(rowOf));
  $("rows").parentElement.hidden = batches.length === 0;
  $("nothing").hidden = batches.length > 0;
  setText(total ? "This page is past the end." : $("status").value ? "No batch is in this status." : "No batches yet.", "nothing");
}

function rowOf(batch) {
  const row = $("row").content.firstElementChild.cloneNode(true);
  const put = (name, text) => {
    const place = row.querySelector(`.${name}`);
    place.textContent = text;
    return place;
  };
  put("assignment", batch.assignment_id ?? "without an assignment").classList.toggle("none", batch.assignment_id === null);
  put("class", batch.class_name ?? "no class").classList.toggle("none", batch.class_name === null);
  put("status", words(batch.status)).classList.add(TONES[batch.status] ?? "calm");
  put("phase", PHASES[batch.current_phase] ?? batch.current_phase ?? "–").classList.toggle("none", batch.current_phase === null);
  put("done", `${batch.completed_essay_count} of ${batch.essay_count} done`);
  put("failed", batch.failed_essay_count ? `${batch.failed_essay_count} failed` : "");
  const created = new Date(batch.created_at);
  put("created", created.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })).dateTime = batch.created_at;
  return row;
}

/* Choosing */

async function refresh() {
  try {
    await readContext();
  } catch { /* the dashboard says whether the BFF is there */ }
  remember();
  await load();
}

function changed() {
  state.page = 1;
  remember();
  load();
}

function turn(by) {
  state.page += by;
  remember();
  load();
}

$("teacher").addEventListener("change", () => {
  const isOther = $("teacher").value === OTHER;
  choose(isOther ? $("other").value : $("teacher").value);
  if (isOther && !$("other").value) $("other").focus();
  else changed();
});
$("other").addEventListener("change", changed);
$("status").addEventListener("change", changed);
$("previous").addEventListener("click", () => turn(-1));
$("next").addEventListener("click", () => turn(1));
$("choice").addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
setInterval(() => {
  if ($("follow").checked && !document.hidden && state.asking === null) load({ quietly: true });
}, EVERY_MS);

state.page = Math.max(1, Number.parseInt(new URLSearchParams(location.search).get("page") ?? "1", 10) || 1);
refresh();

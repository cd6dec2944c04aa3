// Small pieces that every page uses.
import { ApiError, key, server } from "./api.js";
import { t } from "./i18n.js";
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";

export { html, render, useEffect, useRef, useState } from "./vendor/htm-preact.js";

/** What an error means, in words for the person. */
export function explain(error) {
  if (!(error instanceof ApiError)) return t("error.other", { detail: error?.message || String(error) });
  const wait = error.retryAfter || "";
  const known = {
    0: "error.unreachable", 401: key.get() ? "error.wrongKey" : "error.noKey", 402: "error.balance",
    403: "error.forbidden", 413: "error.tooLarge", 429: wait ? "error.rateWait" : "error.rate", 503: "error.busy",
  }[error.status];
  const text = known ? t(known, { seconds: wait }) : error.message;
  const detail = error.detail && error.status !== 401 ? error.detail : "";
  return detail ? `${text} ${detail}` : text;
}

export const Head = ({ title, children }) =>
  html`<header class="head"><h1>${title}</h1>${children && html`<p>${children}</p>`}</header>`;

export const Card = ({ title, aside, children, label }) => html`
  <section class="card" aria-label=${label || title}>
    ${title && html`<div class="row between"><h2>${title}</h2>${aside}</div>`}
    ${children}
  </section>`;

export const Failure = ({ error }) =>
  html`<div role="alert">${error && html`<div class="notice bad">${typeof error === "string" ? error : explain(error)}</div>`}</div>`;

export const Field = ({ id, label, hint, children }) => html`
  <div class="field">
    <label for=${id}>${label}</label>
    ${children}
    ${hint && html`<span class="hint" id=${`${id}-hint`}>${hint}</span>`}
  </div>`;

/** What a page does at the server: `act(work)` runs it, then `after`; what goes wrong is in `error`. */
export function useActions(after) {
  const [error, setError] = useState(null);
  const act = (work) => async (...given) => {
    setError(null);
    try {
      await work(...given);
      await after?.();
    } catch (failure) {
      setError(failure);
    }
  };
  return { error, setError, act };
}

/** What was typed into a form, without what was left empty. */
export const typed = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));

export const Badge = ({ kind = "", children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;

/** A table: columns are `[title, row => cell, "number"?]`. */
export const Table = ({ label, columns, rows, empty }) => rows.length === 0
  ? html`<p class="empty">${empty}</p>`
  : html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>
      <table>
        <thead><tr>${columns.map(([title, , kind]) => html`<th scope="col" class=${kind || ""}>${title}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.id} class=${row.chosen ? "chosen" : ""}>${columns.map(([, cell, kind]) => html`<td class=${kind || ""}>${cell(row)}</td>`)}</tr>`)}</tbody>
      </table>
    </div>`;

export const Facts = ({ facts }) => html`<dl class="facts">
  ${facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
</dl>`;

export function CopyButton({ text, label }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const timer = copied && setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
  };
  return html`<button type="button" class="button slim" onClick=${copy} aria-label=${label}>
    <span aria-live="polite">${copied ? t("copied") : t("copy")}</span></button>`;
}

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(document.createElement("textarea")); // plain HTTP on a network
  area.value = text;
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** Two or more views of the same thing. */
export function Tabs({ label, tabs }) {
  const [shown, show] = useState(0);
  const buttons = useRef([]);
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (shown + step + tabs.length) % tabs.length;
    show(next);
    buttons.current[next].focus();
  };
  return html`<div>
    <div class="row between tabs-row">
      <div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
        ${tabs.map(([name], n) => html`<button type="button" role="tab" id=${`tab-${n}`} aria-controls="tab-panel" ref=${(it) => { buttons.current[n] = it; }}
          aria-selected=${String(n === shown)} tabindex=${n === shown ? 0 : -1} onClick=${() => show(n)}>${name}</button>`)}
      </div>
      <${CopyButton} text=${tabs[shown][1]} label=${t("copyOf", { name: tabs[shown][0] })} />
    </div>
    <div class="code" role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${shown}`}><pre tabindex="0"><code>${tabs[shown][1]}</code></pre></div>
  </div>`;
}

/** Where the server asks for a key: the field, or what is set and how to forget it. */
export function KeyBar({ onChange }) {
  const [held, setHeld] = useState(key.get());
  const [typed, setTyped] = useState("");
  if (!server.keys) return null;
  const use = (event) => {
    event.preventDefault();
    if (!typed.trim()) return;
    key.set(typed.trim());
    setHeld(typed.trim());
    setTyped("");
    onChange?.();
  };
  const forget = () => {
    key.forget();
    setHeld("");
    onChange?.();
  };
  return html`<div class="card">
    ${held
      ? html`<div class="row between"><span>${t("key.held")} <code>${held.slice(0, 7)}…</code></span>
          <button type="button" class="button slim" onClick=${forget}>${t("key.forget")}</button></div>`
      : html`<form class="row" onSubmit=${use}>
          <label for="api-key">${t("key.title")}</label>
          <input class="grow" id="api-key" type="password" autocomplete="off" spellcheck=${false} value=${typed} onInput=${(e) => setTyped(e.target.value)} aria-describedby="api-key-hint" />
          <button class="button primary">${t("key.use")}</button>
          <span class="muted small" id="api-key-hint">${t("key.hint")}</span>
        </form>`}
  </div>`;
}

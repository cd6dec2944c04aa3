import { admin } from "../api.js";
import { about, number, t } from "../i18n.js";
import { Load } from "../load.js";
import { Gate } from "../session.js";
import { Card, Failure, Head, html, Table, useActions, useEffect, useState } from "../ui.js";

export default () => html`<${Gate} title=${t("nav.overview")}>${() => html`<${Overview} />`}<//>`;

export const figures = (sums, currency) => [
  ["sums.requests", number(sums.requests)],
  ["sums.errors", number(sums.errors)],
  ["sums.tokens", number(sums.prompt_tokens + sums.completion_tokens)],
  ["sums.hours", number(sums.audio_seconds / 3600, 2)],
  ["sums.latency", sums.mean_latency_seconds === null ? "–" : `${number(sums.mean_latency_seconds, 2)} s`],
  ["sums.cost", about(sums.cost, currency)],
];

const Figures = ({ sums, currency }) => html`<dl class="figures">
  ${figures(sums, currency).map(([name, value]) => html`<div><dt>${t(name)}</dt><dd>${value}</dd></div>`)}</dl>`;

function Overview() {
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => { admin("GET", "/overview").then(setFound, setError); }, []);
  const columns = [
    [t("model"), (one) => html`<strong>${one.model}</strong>`],
    [t("sums.status"), (one) => one.status],
    ...["requests", "tokens", "hours", "latency", "cost"].map((name) => [
      t(`sums.${name}`), (one) => Object.fromEntries(figures(one, found.currency))[`sums.${name}`], "number",
    ]),
  ];
  return html`
    <${Head} title=${t("nav.overview")}>${t("overview.about")}<//>
    <${Failure} error=${error} />
    <section class="stack" aria-labelledby="load"><h2 id="load">${t("load")}</h2><${Load} /></section>
    ${found && html`
      <section class="stack" aria-labelledby="today"><h2 id="today">${t("overview.today")}</h2><${Figures} sums=${found.today} currency=${found.currency} /></section>
      <section class="stack" aria-labelledby="month"><h2 id="month">${t("overview.month")}</h2><${Figures} sums=${found.month} currency=${found.currency} /></section>
      <${AnswerTimes} />
      <${Card} title=${t("overview.models")}><${Table} label=${t("overview.models")} columns=${columns} rows=${found.today_by_model_and_status} empty=${t("bills.none")} /><//>`}`;
}

const SPANS = { today: 0, week: 6, month: 29 }; // days before today

/** Percentiles of the answered requests: to the last word, and to the first. */
function AnswerTimes() {
  const [span, setSpan] = useState("today");
  const [found, setFound] = useState(null);
  const { error, act } = useActions();
  useEffect(() => {
    const first = new Date(Date.now() - SPANS[span] * 86_400_000).toISOString().slice(0, 10);
    act(async () => setFound((await admin("GET", `/answer-times?from=${first}`)).data))();
  }, [span]);
  const seconds = (name, percent) => (one) => (one[name] ? `${number(one[name][percent], 2)} s` : "–");
  const columns = [
    [t("model"), (one) => html`<strong>${one.model}</strong>`],
    [t("times.answers"), (one) => number(one.answers), "number"],
    ...["latency_seconds", "first_token_seconds"].flatMap((name) => ["p50", "p95", "p99"].map((percent) => [t(`times.${name}`, { percent }), seconds(name, percent), "number"])),
  ];
  const choice = html`<select aria-label=${t("times.span")} value=${span} onChange=${(event) => setSpan(event.target.value)}>
    ${Object.keys(SPANS).map((name) => html`<option value=${name}>${t(`times.${name}`)}</option>`)}</select>`;
  return html`<${Failure} error=${error} />
    <${Card} title=${t("times")} aside=${html`<div>${choice}</div>`}>
      ${found && html`<${Table} label=${t("times")} columns=${columns} rows=${found.map((one) => ({ ...one, id: one.model }))} empty=${t("bills.none")} />`}
      <p class="muted small">${t("times.about")}</p><//>`;
}

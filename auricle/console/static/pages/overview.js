import { admin } from "../api.js";
import { money, number, t } from "../i18n.js";
import { Load } from "../load.js";
import { Gate } from "../session.js";
import { Card, Failure, Head, html, Table, useEffect, useState } from "../ui.js";

export default () => html`<${Gate} title=${t("nav.overview")}>${() => html`<${Overview} />`}<//>`;

export const figures = (sums, currency) => [
  ["sums.requests", number(sums.requests)],
  ["sums.errors", number(sums.errors)],
  ["sums.tokens", number(sums.prompt_tokens + sums.completion_tokens)],
  ["sums.hours", number(sums.audio_seconds / 3600, 2)],
  ["sums.latency", sums.mean_latency_seconds === null ? "–" : `${number(sums.mean_latency_seconds, 2)} s`],
  ["sums.cost", money(sums.cost, currency)],
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
      <${Card} title=${t("overview.models")}><${Table} label=${t("overview.models")} columns=${columns} rows=${found.today_by_model_and_status} empty=${t("bills.none")} /><//>`}`;
}

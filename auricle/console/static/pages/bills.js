import { admin, download } from "../api.js";
import { locale, money, number, t } from "../i18n.js";
import { Gate } from "../session.js";
import { Card, Failure, Field, Head, html, Table, useEffect, useState } from "../ui.js";

const GROUPS = ["account", "project", "key", "model"];
const HEIGHT = 190, LEFT = 46, BOTTOM = 22, TOP = 10; // of the chart, in its own units

export default () => html`<${Gate} title=${t("nav.bills")}>${() => html`<${Bills} />`}<//>`;

function Bills() {
  const [month, setMonth] = useState(new Date().toISOString().slice(0, 7));
  const [bill, setBill] = useState(null);
  const [days, setDays] = useState([]);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (!/^\d{4}-\d{2}$/.test(month)) return;
    const ask = (by) => admin("GET", `/bills?month=${month}&by=${by}`);
    Promise.all([ask(GROUPS.join(",")), ask("day")]).then(([whole, daily]) => {
      setBill(whole);
      setDays(daily.data);
      setError(null);
    }, setError);
  }, [month]);
  const save = () => download(`/bills?month=${month}&format=csv`, `auricle-bill-${month}.csv`).catch(setError);
  const columns = bill && [
    [t("bills.account"), (one) => one.account_name || one.account],
    [t("bills.project"), (one) => one.project_name || one.project],
    [t("bills.key"), (one) => one.key_name || one.key],
    [t("model"), (one) => one.model],
    [t("sums.requests"), (one) => number(one.requests), "number"],
    [t("sums.tokens"), (one) => number(one.prompt_tokens + one.completion_tokens), "number"],
    [t("sums.hours"), (one) => number(one.audio_seconds / 3600, 2), "number"],
    [t("sums.cost"), (one) => money(one.cost, bill.currency, 6), "number"],
  ];
  return html`
    <${Head} title=${t("nav.bills")}>${t("bills.about")}<//>
    <div class="row between low">
      <${Field} id="month" label=${t("bills.month")}><input id="month" type="month" value=${month} onChange=${(e) => setMonth(e.target.value)} /><//>
      <button type="button" class="button" onClick=${save}>${t("bills.export")}</button>
    </div>
    <${Failure} error=${error} />
    ${bill && html`
      <${Card} title=${t("bills.byDay")} aside=${html`<strong id="total">${t("bills.total", { amount: money(bill.total.cost, bill.currency) })}</strong>`}>
        <${Days} days=${days} month=${month} currency=${bill.currency} /><//>
      <${Card} title=${t("bills.lines")}><${Table} label=${t("bills.lines")} columns=${columns} rows=${bill.data} empty=${t("bills.none")} /><//>`}`;
}

/** Cost of each day as bars. The table beneath has the same numbers in words. */
function Days({ days, month, currency }) {
  const [year, number_] = month.split("-").map(Number);
  const count = new Date(Date.UTC(year, number_, 0)).getUTCDate();
  const costs = Object.fromEntries(days.map((one) => [Number(one.day.slice(8)), one]));
  const most = Math.max(...days.map((one) => one.cost_micros), 1);
  const width = innerWidth < 820 ? 344 : 960;
  const step = (width - LEFT) / count;
  const height = (micros) => ((HEIGHT - BOTTOM - TOP) * micros) / most;
  const label = t("bills.chart", { month, amount: money(days.reduce((sum, one) => sum + one.cost_micros, 0) / 1e6, currency) });
  return html`<svg class="chart" viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${label}>
    ${[0, 0.5, 1].map((share) => html`
      <line x1=${LEFT} x2=${width} y1=${HEIGHT - BOTTOM - height(most * share)} y2=${HEIGHT - BOTTOM - height(most * share)} />
      <text x=${LEFT - 8} y=${HEIGHT - BOTTOM - height(most * share) + 4} text-anchor="end">${((most * share) / 1e6).toLocaleString(locale(), { maximumSignificantDigits: 2 })}</text>`)}
    ${Array.from({ length: count }, (_, n) => n + 1).map((day) => html`
      ${costs[day] && html`<rect x=${LEFT + (day - 1) * step + step * 0.15} width=${step * 0.7} y=${HEIGHT - BOTTOM - height(costs[day].cost_micros)} height=${height(costs[day].cost_micros)} rx="2">
        <title>${costs[day].day}: ${money(costs[day].cost, currency)}</title></rect>`}
      ${(day === 1 || day % 5 === 0) && html`<text x=${LEFT + (day - 0.5) * step} y=${HEIGHT - 6} text-anchor="middle">${day}</text>`}`)}
  </svg>`;
}

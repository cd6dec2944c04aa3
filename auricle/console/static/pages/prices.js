// What models cost: every version of every price, and a new one from now on or from a day.
import { admin } from "../api.js";
import { money, number, t, when } from "../i18n.js";
import { Gate } from "../session.js";
import { Badge, Card, Failure, Field, Head, html, Table, useActions, useEffect, useState } from "../ui.js";

const AMOUNT = "\\d{1,10}(\\.\\d{1,6})?";
const EMPTY_TIER = { up_to_tokens: "", input_hit: "", input_miss: "", output: "" };

export default () => html`<${Gate} title=${t("nav.prices")}>${() => html`<${Prices} />`}<//>`;

function Prices() {
  const [prices, setPrices] = useState(null);
  const list = async () => setPrices(await admin("GET", "/prices"));
  const { error, act } = useActions(list);
  useEffect(() => { act(() => {})(); }, []);
  const rows = prices && states(prices.data);
  const lines = (one, cell) => (one.tiers.length ? one.tiers.map((tier) => html`<div>${cell(tier)}</div>`) : "–");
  const amount = (name) => [t(`prices.${name}`), (one) => lines(one, (tier) => money(tier[name], prices.currency)), "number"];
  const columns = [
    [t("model"), (one) => html`<strong>${one.model}</strong>`],
    [t("prices.version"), (one) => number(one.version), "number"],
    [t("prices.from"), (one) => (one.from.startsWith("1970") ? t("prices.always") : when(one.from))],
    [t("models.state"), (one) => html`<${Badge} kind=${{ now: "good", later: "warn" }[one.state] || ""}>${t(`prices.${one.state}`)}<//>`],
    [t("prices.tier"), (one) => lines(one, (tier) => (tier.up_to_tokens ? t("prices.upTo", { tokens: number(tier.up_to_tokens) }) : t("prices.any")))],
    ...["input_hit", "input_miss", "output"].map(amount),
    [t("prices.hour"), (one) => (Number(one.hour) ? money(one.hour, prices.currency) : "–"), "number"],
  ];
  return html`
    <${Head} title=${t("nav.prices")}>${t("prices.about")}<//>
    <${Failure} error=${error} />
    ${prices && html`
      <${Card} label=${t("nav.prices")}><${Table} label=${t("nav.prices")} columns=${columns} rows=${rows} empty=${t("prices.none")} /><//>
      <${NewPrice} models=${[...new Set(prices.data.map((one) => one.model))]} currency=${prices.currency} onSet=${list} />`}`;
}

/** Each version with its `state`: the last one of a model that has begun is in effect. */
function states(versions) {
  const now = new Date();
  const current = {};
  const later = (one) => new Date(one.from) > now;
  for (const one of [...versions].sort((a, b) => a.from.localeCompare(b.from) || a.version - b.version)) {
    if (!later(one)) current[one.model] = one.version;
  }
  return versions
    .map((one) => ({ ...one, id: one.version, state: later(one) ? "later" : current[one.model] === one.version ? "now" : "past" }))
    .sort((a, b) => a.model.localeCompare(b.model) || b.version - a.version);
}

function NewPrice({ models, currency, onSet }) {
  const [tiers, setTiers] = useState([EMPTY_TIER]);
  const [done, setDone] = useState("");
  const { error, act } = useActions(onSet);
  const set = act(async (form) => {
    const given = Object.fromEntries(new FormData(form));
    const body = { model: given.model.trim(), hour: given.hour.trim() || "0", tiers: [] };
    if (given.from) body.from = new Date(given.from).toISOString();
    for (const tier of tiers) {
      if (!Object.values(tier).some((value) => value.trim())) continue;
      body.tiers.push({ ...tier, up_to_tokens: tier.up_to_tokens.trim() ? Number(tier.up_to_tokens) : null });
    }
    const made = await admin("POST", "/prices", body);
    form.reset();
    setTiers([EMPTY_TIER]);
    setDone(t("prices.done", { model: made.model, version: made.version }));
  });
  const write = (n, name) => (event) => setTiers(tiers.map((tier, at) => (at === n ? { ...tier, [name]: event.target.value } : tier)));
  const needed = (tier) => Object.values(tier).some((value) => value.trim());
  return html`<${Card} title=${t("prices.new")}>
    <form class="card-form" onSubmit=${(event) => { event.preventDefault(); setDone(""); set(event.target); }}>
      <${Failure} error=${error} />
      <div class="form">
        <${Field} id="price-model" label=${t("model")}><input id="price-model" name="model" list="models" required maxlength="200" autocomplete="off" /><//>
        <datalist id="models">${models.map((name) => html`<option value=${name} />`)}</datalist>
        <${Field} id="price-from" label=${t("prices.from")} hint=${t("prices.fromHint")}><input id="price-from" name="from" type="datetime-local" aria-describedby="price-from-hint" /><//>
        <${Field} id="price-hour" label=${`${t("prices.hour")} (${currency})`}><input id="price-hour" name="hour" inputmode="decimal" pattern=${AMOUNT} /><//>
      </div>
      ${tiers.map((tier, n) => html`<fieldset class="form tier"><legend>${t("prices.tierNumber", { number: n + 1 })}</legend>
        <${Field} id=${`tier-${n}-up`} label=${t("prices.upToTokens")} hint=${n === tiers.length - 1 ? t("prices.lastTier") : ""}>
          <input id=${`tier-${n}-up`} inputmode="numeric" pattern="\\d+" value=${tier.up_to_tokens} onInput=${write(n, "up_to_tokens")} required=${n < tiers.length - 1} /><//>
        ${["input_hit", "input_miss", "output"].map((name) => html`<${Field} id=${`tier-${n}-${name}`} label=${`${t(`prices.${name}`)} (${currency})`}>
          <input id=${`tier-${n}-${name}`} inputmode="decimal" pattern=${AMOUNT} value=${tier[name]} onInput=${write(n, name)} required=${needed(tier)} /><//>`)}
      </fieldset>`)}
      <div class="row"><button class="button primary">${t("prices.set")}</button>
        <button type="button" class="button" onClick=${() => setTiers([...tiers, EMPTY_TIER])}>${t("prices.addTier")}</button>
        ${tiers.length > 1 && html`<button type="button" class="button" onClick=${() => setTiers(tiers.slice(0, -1))}>${t("prices.dropTier")}</button>`}
        <span class="muted" role="status">${done}</span></div>
    </form>
  <//>`;
}

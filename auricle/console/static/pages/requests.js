// The ledger, row by row: newest first, filtered, a page at a time.
import { admin, download } from "../api.js";
import { money, number, t, when } from "../i18n.js";
import { Gate } from "../session.js";
import { Badge, Card, Failure, Field, Head, html, Table, useActions, useEffect, useState } from "../ui.js";

const ROWS = 50; // a page

export default () => html`<${Gate} title=${t("nav.requests")}>${() => html`<${Requests} />`}<//>`;

function Requests() {
  const [filter, setFilter] = useState({});
  const [befores, setBefores] = useState([]); // where the shown page and those before it begin
  const [found, setFound] = useState(null);
  const [names, setNames] = useState(null);
  const { error, act } = useActions();

  useEffect(() => {
    act(async () => {
      const [accounts, keys, prices] = await Promise.all(["/accounts", "/keys", "/prices"].map((path) => admin("GET", path)));
      setNames({ accounts: accounts.data, keys: keys.data, models: [...new Set(prices.data.map((one) => one.model))] });
    })();
  }, []);
  useEffect(() => {
    // One row more than is shown tells whether there is another page.
    const query = new URLSearchParams({ ...filter, limit: ROWS + 1 });
    if (befores.length) query.set("before", befores[befores.length - 1]);
    let wanted = true;
    act(async () => {
      const page = await admin("GET", `/requests?${query}`);
      if (wanted) setFound(page);
    })();
    return () => { wanted = false; };
  }, [filter, befores]);

  const choose = (name, value) => {
    const { [name]: _, ...rest } = filter;
    setFilter(value ? { ...rest, [name]: value } : rest);
    setBefores([]);
  };
  const save = act(() => download(`/requests?${new URLSearchParams({ ...filter, format: "csv" })}`, "auricle-requests.csv"));
  const name = (list, id) => names?.[list].find((one) => one.id === id)?.name || id;
  const columns = [
    [t("accounts.time"), (one) => html`<span class="nowrap">${when(one.time, "medium")}</span>`],
    [t("sums.status"), (one) => html`<${Badge} kind=${one.status === 200 ? "good" : one.status === 499 ? "warn" : "bad"}>${one.status}<//>`],
    [t("model"), (one) => one.model],
    [t("bills.account"), (one) => name("accounts", one.account)],
    [t("bills.key"), (one) => name("keys", one.key)],
    [t("sums.cost"), (one) => money(one.cost, found.currency, 6), "number"],
    [t("requests.latency"), (one) => `${number(one.latency_seconds, 2)} s`, "number"],
    [t("requests.first"), (one) => (one.first_token_seconds === null ? "–" : `${number(one.first_token_seconds, 2)} s`), "number"],
    [t("usage.prompt"), (one) => number(one.prompt_tokens), "number"],
    [t("prices.input_hit"), (one) => number(one.cached_tokens), "number"],
    [t("usage.completion"), (one) => number(one.completion_tokens), "number"],
    [t("audio"), (one) => (one.audio_seconds ? `${number(one.audio_seconds, 1)} s` : "–"), "number"],
    [t("prices.version"), (one) => one.price_version ?? "–", "number"],
    [t("requests.id"), (one) => html`<code>${one.request_id}</code>`],
  ];
  const rows = found?.data.slice(0, ROWS).map((one) => ({ ...one, id: one.seq }));
  const select = (id, label, options) => html`<${Field} id=${`by-${id}`} label=${label}>
    <select id=${`by-${id}`} value=${filter[id] || ""} onChange=${(event) => choose(id, event.target.value)}>
      <option value="">${t("all")}</option>${options.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select><//>`;
  const day = (id, label) => html`<${Field} id=${`by-${id}`} label=${label}><input id=${`by-${id}`} type="date" value=${filter[id] || ""} onChange=${(event) => choose(id, event.target.value)} /><//>`;
  return html`
    <${Head} title=${t("nav.requests")}>${t("requests.about")}<//>
    <${Card} label=${t("requests.filter")}>
      <div class="form narrow" role="group" aria-label=${t("requests.filter")}>
        ${day("from", t("requests.from"))}
        ${day("to", t("requests.to"))}
        ${select("account", t("bills.account"), (names?.accounts || []).map((one) => [one.id, one.name]))}
        ${select("key", t("bills.key"), (names?.keys || []).map((one) => [one.id, one.name]))}
        ${select("model", t("model"), (names?.models || []).map((one) => [one, one]))}
        ${select("errors", t("sums.status"), [["true", t("requests.errors")]])}
      </div>
    <//>
    <${Failure} error=${error} />
    ${found && html`<${Card} title=${t("requests.rows")} aside=${html`<button type="button" class="button slim" onClick=${save}>${t("bills.export")}</button>`}>
      <${Table} label=${t("nav.requests")} columns=${columns} rows=${rows} empty=${t("bills.none")} />
      <div class="row">
        <button type="button" class="button slim" disabled=${!befores.length} onClick=${() => setBefores(befores.slice(0, -1))}>${t("requests.newer")}</button>
        <button type="button" class="button slim" disabled=${found.data.length <= ROWS} onClick=${() => setBefores([...befores, rows[ROWS - 1].seq])}>${t("requests.older")}</button>
        <span class="muted small" role="status">${t("requests.page", { number: befores.length + 1 })}</span>
      </div><//>`}`;
}

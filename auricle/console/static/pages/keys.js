import { admin, key as held } from "../api.js";
import { t, when } from "../i18n.js";
import { Gate } from "../session.js";
import { Badge, Card, CopyButton, Failure, Field, Head, html, Table, useEffect, useState } from "../ui.js";

export default () => html`<${Gate} title=${t("nav.keys")}>${(session) => html`<${Keys} currency=${session.currency} />`}<//>`;

function Keys({ currency }) {
  const [keys, setKeys] = useState(null);
  const [shown, setShown] = useState(null); // the new key, until it is closed or another page is opened
  const [error, setError] = useState(null);
  const list = () => admin("GET", "/keys").then((found) => setKeys(found.data), setError);
  useEffect(() => { list(); }, []);

  const act = (work) => async (...given) => {
    setError(null);
    try {
      await work(...given);
      await list();
    } catch (failure) {
      setError(failure);
    }
  };
  const create = act(async (form) => {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
    if (given.expires) given.expires = `${given.expires}T00:00:00Z`;
    setShown(await admin("POST", "/keys", given));
    form.reset();
  });
  const rotate = act(async (one) => setShown(await admin("POST", `/keys/${one.id}/rotate`)));
  const change = act((one) => admin("PATCH", `/keys/${one.id}`, { disabled: !one.disabled }));
  const state = (one) => {
    if (one.disabled) return html`<${Badge} kind="bad">${t("keys.disabled")}<//>`;
    if (one.terms.expires && new Date(one.terms.expires) < new Date()) return html`<${Badge} kind="warn">${t("keys.expired")}<//>`;
    return html`<${Badge} kind="good">${t("keys.active")}<//>`;
  };
  const columns = [
    [t("keys.name"), (one) => html`<strong>${one.name}</strong>`],
    [t("keys.begins"), (one) => html`<code>${one.prefix}…</code>`],
    [t("keys.created"), (one) => when(one.created)],
    [t("keys.expires"), (one) => when(one.terms.expires) || "–"],
    [t("keys.limits"), (one) => [[one.terms.daily_limit, "keys.aDay"], [one.terms.monthly_limit, "keys.aMonth"]]
      .filter(([amount]) => amount).map(([amount, name]) => t(name, { amount: `${currency} ${Number(amount)}` })).join(", ") || "–"],
    [t("models.state"), state],
    [t("keys.actions"), (one) => html`
      <button type="button" class="button slim" aria-label=${t("keys.rotateOf", { name: one.name })} onClick=${() => rotate(one)}>${t("keys.rotate")}</button>
      <button type="button" class=${`button slim${one.disabled ? "" : " danger"}`} aria-label=${t(one.disabled ? "keys.enableOf" : "keys.disableOf", { name: one.name })} onClick=${() => change(one)}>${t(one.disabled ? "keys.enable" : "keys.disable")}</button>`, "actions"],
  ];
  return html`
    <${Head} title=${t("nav.keys")}>${t("keys.about")}<//>
    <${Failure} error=${error} />
    <div role="status">${shown && html`<div class="notice good card">
      <strong>${t("keys.once", { name: shown.name })}</strong>
      <div class="secret" id="new-key">${shown.key}</div>
      <div class="row"><${CopyButton} text=${shown.key} label=${t("copyOf", { name: shown.name })} />
        <button type="button" class="button slim" onClick=${() => held.set(shown.key)}>${t("keys.try")}</button>
        <button type="button" class="button slim" onClick=${() => setShown(null)}>${t("keys.close")}</button></div>
    </div>`}</div>
    <${Card} title=${t("keys.new")}>
      <form class="card-form" onSubmit=${(event) => { event.preventDefault(); create(event.target); }}>
        <div class="form">
          <${Field} id="key-name" label=${t("keys.name")}><input id="key-name" name="name" required maxlength="100" autocomplete="off" /><//>
          <${Field} id="key-expires" label=${t("keys.expires")}><input id="key-expires" name="expires" type="date" /><//>
          <${Field} id="key-day" label=${t("keys.dailyLimit", { currency })}><input id="key-day" name="daily_limit" inputmode="decimal" pattern="\\d+(\\.\\d{1,6})?" /><//>
          <${Field} id="key-month" label=${t("keys.monthlyLimit", { currency })}><input id="key-month" name="monthly_limit" inputmode="decimal" pattern="\\d+(\\.\\d{1,6})?" /><//>
        </div>
        <div><button class="button primary">${t("keys.create")}</button></div>
      </form>
    <//>
    ${keys && html`<${Card} label=${t("nav.keys")}><${Table} label=${t("nav.keys")} columns=${columns} rows=${keys} empty=${t("keys.none")} /><//>`}`;
}

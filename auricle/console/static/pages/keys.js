import { admin, key as held } from "../api.js";
import { t, when } from "../i18n.js";
import { Gate } from "../session.js";
import { Badge, Card, CopyButton, Failure, Field, Head, html, Table, typed, useActions, useEffect, useRef, useState } from "../ui.js";

const AMOUNT = "\\d{1,10}(\\.\\d{1,6})?";

export default () => html`<${Gate} title=${t("nav.keys")}>${(session) => html`<${Keys} currency=${session.currency} />`}<//>`;

function Keys({ currency }) {
  const [keys, setKeys] = useState(null);
  const [owners, setOwners] = useState({ accounts: [], projects: [], models: [] });
  const [shown, setShown] = useState(null); // the new key, until it is closed or another page is opened
  const [edited, setEdited] = useState(null); // id
  const list = async () => {
    const paths = ["/keys", "/accounts", "/projects", "/prices"];
    const [found, accounts, projects, prices] = (await Promise.all(paths.map((path) => admin("GET", path)))).map((it) => it.data);
    setKeys(found);
    setOwners({ accounts, projects, models: [...new Set(prices.map((one) => one.model))] });
  };
  const { error, act } = useActions(list);
  useEffect(() => { act(() => {})(); }, []);

  const create = act(async (form) => {
    setShown(await admin("POST", "/keys", { ...termsOf(form), ...chosen(form, ["name", "account", "project"]) }));
    form.reset();
  });
  const rotate = act(async (one) => setShown(await admin("POST", `/keys/${one.id}/rotate`)));
  const disable = act((one) => admin("PATCH", `/keys/${one.id}`, { disabled: !one.disabled }));
  const change = act(async (form, one) => {
    await admin("PATCH", `/keys/${one.id}`, { ...chosen(form, ["name"]), terms: termsOf(form, one.terms) });
    setEdited(null);
  });
  const state = (one) => {
    if (one.disabled) return html`<${Badge} kind="bad">${t("keys.disabled")}<//>`;
    if (one.terms.expires && new Date(one.terms.expires) < new Date()) return html`<${Badge} kind="warn">${t("keys.expired")}<//>`;
    return html`<${Badge} kind="good">${t("keys.active")}<//>`;
  };
  const name = (kind, id) => owners[kind].find((one) => one.id === id)?.name || id;
  const columns = [
    [t("keys.name"), (one) => html`<strong>${one.name}</strong>`],
    [t("keys.begins"), (one) => html`<code>${one.prefix}…</code>`],
    [t("keys.owner"), (one) => `${name("accounts", one.account)} / ${name("projects", one.project)}`],
    [t("keys.models"), (one) => one.terms.models?.join(", ") || t("all")],
    [t("keys.created"), (one) => when(one.created)],
    [t("keys.expires"), (one) => when(one.terms.expires) || "–"],
    [t("keys.limits"), (one) => [[one.terms.daily_limit, "keys.aDay"], [one.terms.monthly_limit, "keys.aMonth"]]
      .filter(([amount]) => amount).map(([amount, text]) => t(text, { amount: `${currency} ${Number(amount)}` })).join(", ") || "–"],
    [t("models.state"), state],
    [t("keys.actions"), (one) => html`
      <button type="button" class="button slim" aria-label=${t("keys.editOf", { name: one.name })} aria-expanded=${String(edited === one.id)} onClick=${() => setEdited(edited === one.id ? null : one.id)}>${t("keys.edit")}</button>
      <button type="button" class="button slim" aria-label=${t("keys.rotateOf", { name: one.name })} onClick=${() => rotate(one)}>${t("keys.rotate")}</button>
      <button type="button" class=${`button slim${one.disabled ? "" : " danger"}`} aria-label=${t(one.disabled ? "keys.enableOf" : "keys.disableOf", { name: one.name })} onClick=${() => disable(one)}>${t(one.disabled ? "keys.enable" : "keys.disable")}</button>`, "actions"],
  ];
  const open = keys?.find((one) => one.id === edited);
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
          <${Owner} owners=${owners} />
          <${Terms} id="key" currency=${currency} models=${owners.models} />
        </div>
        <div><button class="button primary">${t("keys.create")}</button></div>
      </form>
    <//>
    ${keys && html`<${Card} label=${t("nav.keys")}><${Table} label=${t("nav.keys")} columns=${columns} rows=${keys.map((one) => ({ ...one, chosen: one.id === edited }))} empty=${t("keys.none")} /><//>`}
    ${open && html`<${Edit} key=${open.id} one=${open} currency=${currency} models=${owners.models} onSave=${(form) => change(form, open)} onClose=${() => setEdited(null)} />`}`;
}

/** Account and project of a new key. */
function Owner({ owners }) {
  const [account, setAccount] = useState("");
  const first = account || owners.accounts[0]?.id;
  const projects = owners.projects.filter((one) => one.account === first);
  return html`
    <${Field} id="key-account" label=${t("bills.account")}><select id="key-account" name="account" value=${first} onChange=${(e) => setAccount(e.target.value)}>
      ${owners.accounts.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select><//>
    <${Field} id="key-project" label=${t("bills.project")}><select id="key-project" name="project">
      ${projects.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select><//>`;
}

const Terms = ({ id, currency, models, terms = {} }) => html`
  <${Field} id=${`${id}-expires`} label=${t("keys.expires")}><input id=${`${id}-expires`} name="expires" type="date" value=${terms.expires?.slice(0, 10)} /><//>
  <${Field} id=${`${id}-day`} label=${t("keys.dailyLimit", { currency })}><input id=${`${id}-day`} name="daily_limit" inputmode="decimal" pattern=${AMOUNT} value=${plain(terms.daily_limit)} /><//>
  <${Field} id=${`${id}-month`} label=${t("keys.monthlyLimit", { currency })}><input id=${`${id}-month`} name="monthly_limit" inputmode="decimal" pattern=${AMOUNT} value=${plain(terms.monthly_limit)} /><//>
  <fieldset class="models"><legend>${t("keys.models")}</legend>
    ${[...new Set([...models, ...(terms.models || [])])].map((model) => html`<label class="check"><input type="checkbox" name="models" value=${model} checked=${terms.models?.includes(model)} />${model}</label>`)}
    <span class="hint muted small">${t("keys.modelsHint")}</span></fieldset>`;

function Edit({ one, currency, models, onSave, onClose }) {
  const first = useRef(null);
  useEffect(() => first.current.focus(), []);
  return html`<${Card} title=${t("keys.editOf", { name: one.name })}>
    <form class="card-form" onSubmit=${(event) => { event.preventDefault(); onSave(event.target); }}>
      <div class="form">
        <${Field} id="edit-name" label=${t("keys.name")}><input id="edit-name" name="name" required maxlength="100" value=${one.name} autocomplete="off" ref=${first} /><//>
        <${Terms} id="edit" currency=${currency} models=${models} terms=${one.terms} />
      </div>
      <div class="row"><button class="button primary">${t("save")}</button><button type="button" class="button" onClick=${onClose}>${t("cancel")}</button></div>
    </form><//>`;
}

const plain = (amount) => (amount ? String(Number(amount)) : "");
const chosen = (form, names) => Object.fromEntries(Object.entries(typed(form)).filter(([name]) => names.includes(name)));

/** What a key may do, as the form has it. A day that was not touched keeps its time. */
function termsOf(form, known = {}) {
  const terms = chosen(form, ["daily_limit", "monthly_limit"]);
  const { expires } = typed(form);
  if (expires) terms.expires = known.expires?.slice(0, 10) === expires ? known.expires : `${expires}T00:00:00Z`;
  const models = new FormData(form).getAll("models");
  if (models.length) terms.models = models;
  return terms;
}

// Who pays: accounts, what they paid in, and their projects.
import { admin } from "../api.js";
import { money, t, when } from "../i18n.js";
import { Gate } from "../session.js";
import { Badge, Card, Failure, Field, Head, html, Table, typed, useActions, useEffect, useRef, useState } from "../ui.js";

const AMOUNT = "-?\\d{1,10}(\\.\\d{1,6})?";

export default () => html`<${Gate} title=${t("nav.accounts")}>${(session) => html`<${Accounts} currency=${session.currency} />`}<//>`;

function Accounts({ currency }) {
  const [accounts, setAccounts] = useState(null);
  const [chosen, setChosen] = useState(null); // id
  const list = async () => setAccounts((await admin("GET", "/accounts")).data);
  const { error, act } = useActions(list);
  useEffect(() => { act(() => {})(); }, []);
  const create = act(async (form) => {
    const given = typed(form);
    const made = await admin("POST", "/accounts", { name: given.name, prepaid: given.pays === "first" });
    form.reset();
    setChosen(made.id);
  });
  const columns = [
    [t("keys.name"), (one) => html`<strong>${one.name}</strong>`],
    [t("accounts.pays"), (one) => t(one.prepaid ? "accounts.first" : "accounts.later")],
    [t("models.state"), (one) => html`<${Badge} kind=${one.disabled ? "bad" : "good"}>${t(one.disabled ? "keys.disabled" : "keys.active")}<//>`],
    [t("accounts.credited"), (one) => money(one.credited, currency), "number"],
    [t("accounts.charged"), (one) => money(one.charged, currency), "number"],
    [t("accounts.balance"), (one) => html`<span class=${Number(one.balance) < 0 && one.prepaid ? "negative" : ""}>${money(one.balance, currency)}</span>`, "number"],
    [t("keys.actions"), (one) => html`<button type="button" class="button slim" aria-expanded=${String(one.id === chosen)} aria-label=${t("accounts.openOf", { name: one.name })}
      onClick=${() => setChosen(one.id === chosen ? null : one.id)}>${t("accounts.open")}</button>`, "actions"],
  ];
  const shown = accounts?.find((one) => one.id === chosen);
  return html`
    <${Head} title=${t("nav.accounts")}>${t("accounts.about")}<//>
    <${Failure} error=${error} />
    ${accounts && html`<${Card} label=${t("nav.accounts")}><${Table} label=${t("nav.accounts")} columns=${columns} rows=${accounts.map((one) => ({ ...one, chosen: one.id === chosen }))} empty="" /><//>`}
    ${shown && html`<${Account} key=${shown.id} account=${shown} currency=${currency} onChange=${list} />`}
    <${Card} title=${t("accounts.new")}>
      <form class="card-form" onSubmit=${(event) => { event.preventDefault(); create(event.target); }}>
        <div class="form">
          <${Field} id="account-name" label=${t("keys.name")}><input id="account-name" name="name" required maxlength="100" autocomplete="off" /><//>
          <${Field} id="account-pays" label=${t("accounts.pays")} hint=${t("accounts.firstHint")}><${Pays} id="account-pays" /><//>
        </div>
        <div><button class="button primary">${t("accounts.create")}</button></div>
      </form>
    <//>`;
}

const Pays = ({ id, prepaid = false }) => html`<select id=${id} name="pays" aria-describedby=${`${id}-hint`}>
  <option value="later" selected=${!prepaid}>${t("accounts.later")}</option><option value="first" selected=${prepaid}>${t("accounts.first")}</option></select>`;

/** One account: its name and terms, its projects, its top-ups. */
function Account({ account, currency, onChange }) {
  const [topUps, setTopUps] = useState(null);
  const [projects, setProjects] = useState(null);
  const [done, setDone] = useState("");
  const heading = useRef(null);
  const path = `/accounts/${account.id}`;
  const list = async () => {
    await onChange();
    const [paid, found] = await Promise.all([admin("GET", `${path}/top-ups`), admin("GET", `/projects?account=${account.id}`)]);
    setTopUps(paid.data.reverse().map((one, n) => ({ ...one, id: n })));
    setProjects(found.data);
  };
  const { error, act } = useActions(list);
  useEffect(() => {
    heading.current.focus();
    act(() => {})();
  }, []);

  const change = act(async (form) => {
    const given = typed(form);
    await admin("PATCH", path, { name: given.name, prepaid: given.pays === "first" });
    setDone(t("saved"));
  });
  const disable = act(() => admin("PATCH", path, { disabled: !account.disabled }));
  const topUp = act(async (form) => {
    const paid = await admin("POST", `${path}/top-ups`, typed(form));
    form.reset();
    setDone(t("accounts.balanceNow", { amount: money(paid.balance, currency) }));
  });
  const createProject = act(async (form) => {
    await admin("POST", `${path}/projects`, typed(form));
    form.reset();
  });
  const submit = (work) => (event) => { event.preventDefault(); setDone(""); work(event.target); };
  const columns = [
    [t("accounts.time"), (one) => when(one.time)],
    [t("accounts.amount"), (one) => money(one.amount, currency), "number"],
    [t("accounts.note"), (one) => one.note || "–"],
    [t("accounts.reference"), (one) => one.reference || "–"],
  ];
  return html`<section class="card" aria-labelledby="account">
    <h2 id="account" tabindex="-1" ref=${heading}>${account.name}</h2>
    <${Failure} error=${error} />
    <form class="card-form" onSubmit=${submit(change)}>
      <div class="form">
        <${Field} id="rename" label=${t("keys.name")}><input id="rename" name="name" required maxlength="100" value=${account.name} autocomplete="off" /><//>
        <${Field} id="pays" label=${t("accounts.pays")} hint=${t("accounts.firstHint")}><${Pays} id="pays" prepaid=${account.prepaid} /><//>
      </div>
      <div class="row"><button class="button">${t("save")}</button>
        <button type="button" class=${`button${account.disabled ? "" : " danger"}`} onClick=${disable}>${t(account.disabled ? "accounts.enable" : "accounts.disable")}</button>
        <span class="muted" role="status">${done}</span></div>
    </form>
    <h3>${t("accounts.topUp")}</h3>
    <form class="card-form" onSubmit=${submit(topUp)}>
      <div class="form">
        <${Field} id="amount" label=${`${t("accounts.amount")} (${currency})`} hint=${t("accounts.amountHint")}><input id="amount" name="amount" required inputmode="decimal" pattern=${AMOUNT} autocomplete="off" aria-describedby="amount-hint" /><//>
        <${Field} id="note" label=${t("accounts.note")}><input id="note" name="note" maxlength="200" autocomplete="off" /><//>
        <${Field} id="reference" label=${t("accounts.reference")} hint=${t("accounts.referenceHint")}><input id="reference" name="reference" maxlength="100" autocomplete="off" aria-describedby="reference-hint" /><//>
      </div>
      <div><button class="button primary">${t("accounts.add")}</button></div>
    </form>
    ${topUps && html`<${Table} label=${t("accounts.topUps")} columns=${columns} rows=${topUps} empty=${t("accounts.noTopUps")} />`}
    <h3>${t("accounts.projects")}</h3>
    ${projects && html`<ul class="chips">${projects.map((one) => html`<li class="badge">${one.name}</li>`)}</ul>`}
    <form class="row low" onSubmit=${submit(createProject)}>
      <${Field} id="project" label=${t("accounts.newProject")}><input id="project" name="name" required maxlength="100" autocomplete="off" /><//>
      <button class="button">${t("accounts.createProject")}</button>
    </form>
  </section>`;
}

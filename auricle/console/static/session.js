// The administrator's session: whoever is not signed in sees the way in.
import { admin, begin, session, whenSessionEnds } from "./api.js";
import { t } from "./i18n.js";
import { Card, explain, Failure, Field, Head, html, useActions, useEffect, useRef, useState } from "./ui.js";

/**
 * Shows `children` to the administrator only: a whole page of that `title`, or a part of one, to which others get an
 * `invitation`.
 */
export function Gate({ title, invitation, children }) {
  const [state, setState] = useState(null);
  const [invited, setInvited] = useState(!invitation);
  const [ended, setEnded] = useState(false);
  const [error, setError] = useState(null);
  useEffect(() => {
    session().then(setState, setError);
    whenSessionEnds(() => {
      setEnded(true);
      setState({ signed_in: false, setup_needed: false });
    });
    return () => whenSessionEnds(() => {});
  }, []);
  const leave = () => admin("DELETE", "/session").then(() => setState({ signed_in: false, setup_needed: false }), setError);
  if (state?.signed_in) return invitation ? children(state) : html`${children(state)}<${Session} onLeave=${leave} />`;
  const enter = (found) => {
    setEnded(false);
    setState(found);
  };
  if (!invited) {
    return html`<${Failure} error=${error} />
      ${state && html`<div class="row"><button type="button" class="button" onClick=${() => setInvited(true)}>${t("signin.go")}</button><span class="muted">${invitation}</span></div>`}`;
  }
  return html`${title && html`<${Head} title=${title} />`}
    <${Failure} error=${error} />
    ${ended && html`<div class="notice warn" role="status">${t("session.ended")}</div>`}
    ${state && html`<${Entrance} setUp=${state.setup_needed} onEnter=${enter} />`}`;
}

/** At the end of the administrator's pages: out, or another password. */
function Session({ onLeave }) {
  const [changing, setChanging] = useState(false);
  const [changed, setChanged] = useState(false);
  const { error, act } = useActions();
  const change = act(async (form) => {
    const given = new FormData(form);
    await begin("/password", { current: given.get("current"), new: given.get("new") }, "PUT");
    setChanging(false);
    setChanged(true);
  });
  return html`
    <div class="row foot-actions">
      <button type="button" class="button slim" onClick=${onLeave}>${t("session.out")}</button>
      <button type="button" class="button slim" aria-expanded=${String(changing)} onClick=${() => { setChanging(!changing); setChanged(false); }}>${t("password.change")}</button>
      <span class="muted" role="status">${changed && t("password.changed")}</span>
    </div>
    ${changing && html`<div class="gate"><${Card} title=${t("password.change")}>
      <form class="card-form" onSubmit=${(event) => { event.preventDefault(); change(event.target); }}>
        <input name="username" value="admin" autocomplete="username" hidden />
        <${Field} id="current" label=${t("password.current")}><input id="current" name="current" type="password" required autocomplete="current-password" /><//>
        <${Field} id="new" label=${t("password.new")} hint=${t("setup.length")}><input id="new" name="new" type="password" required minlength="10" autocomplete="new-password" aria-describedby="new-hint" /><//>
        <${Failure} error=${error?.status === 401 ? t("signin.wrong") : error} />
        <div><button class="button primary">${t("password.go")}</button></div>
      </form><//></div>`}`;
}

function Entrance({ setUp, onEnter }) {
  const [error, setError] = useState(null);
  const first = useRef(null);
  useEffect(() => first.current.focus(), []);
  const enter = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    setError(null);
    try {
      const body = setUp ? { code: given.get("code").trim(), password: given.get("password") } : { password: given.get("password") };
      onEnter(await begin(setUp ? "/setup" : "/session", body));
    } catch (failure) {
      setError(failure.status === 401 ? t(setUp ? "setup.wrong" : "signin.wrong") : explain(failure));
    }
  };
  return html`<div class="gate"><${Card} title=${t(setUp ? "setup.title" : "signin.title")}>
    <form class="card-form" onSubmit=${enter}>
      <p class="muted">${t(setUp ? "setup.about" : "signin.about")}</p>
      <input name="username" value="admin" autocomplete="username" hidden />
      ${setUp && html`<${Field} id="code" label=${t("setup.code")}><input id="code" name="code" required autocomplete="one-time-code" ref=${first} /><//>`}
      <${Field} id="password" label=${t("signin.password")} hint=${setUp ? t("setup.length") : ""}>
        <input id="password" name="password" type="password" required minlength=${setUp ? 10 : 1} autocomplete=${setUp ? "new-password" : "current-password"} ref=${setUp ? undefined : first} /><//>
      <${Failure} error=${error} />
      <div><button class="button primary">${t(setUp ? "setup.go" : "signin.go")}</button></div>
    </form><//></div>`;
}

// The administrator's session: whoever is not signed in sees the way in.
import { admin, begin, session, whenSessionEnds } from "./api.js";
import { t } from "./i18n.js";
import { Card, explain, Failure, Field, Head, html, useEffect, useRef, useState } from "./ui.js";

/** Shows `children` to the administrator only. */
export function Gate({ title, children }) {
  const [state, setState] = useState(null);
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
  if (state?.signed_in) {
    return html`${children(state)}<div><button type="button" class="button slim" onClick=${leave}>${t("session.out")}</button></div>`;
  }
  const enter = (found) => {
    setEnded(false);
    setState(found);
  };
  return html`<${Head} title=${title} />
    <${Failure} error=${error} />
    ${ended && html`<div class="notice warn" role="status">${t("session.ended")}</div>`}
    ${state && html`<${Entrance} setUp=${state.setup_needed} onEnter=${enter} />`}`;
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

// The frame: navigation, language, theme, and which page is shown. Addresses are `#/page`, which no server sees.
import { server } from "./api.js";
import { firstLanguage, LANGUAGES, t, useLanguage } from "./i18n.js";
import { Playground } from "./pages/playground.js";
import { html, render, useEffect, useRef, useState } from "./ui.js";

const PAGES = {
  playground: { load: () => Promise.resolve(Playground) },
  transcripts: { load: () => import("./pages/transcripts.js").then((it) => it.default) },
  models: { load: () => import("./pages/models.js").then((it) => it.default) },
  overview: { admin: true, load: () => import("./pages/overview.js").then((it) => it.default) },
  accounts: { admin: true, load: () => import("./pages/accounts.js").then((it) => it.default) },
  keys: { admin: true, load: () => import("./pages/keys.js").then((it) => it.default) },
  prices: { admin: true, load: () => import("./pages/prices.js").then((it) => it.default) },
  requests: { admin: true, load: () => import("./pages/requests.js").then((it) => it.default) },
  bills: { admin: true, load: () => import("./pages/bills.js").then((it) => it.default) },
};
const dark = matchMedia("(prefers-color-scheme: dark)");

const here = () => {
  const name = location.hash.replace(/^#\//, "");
  return name in PAGES && (server.accounts || !PAGES[name].admin) ? name : "playground";
};
const themeOf = (choice) => (choice === "auto" ? (dark.matches ? "dark" : "light") : choice);

function App() {
  const [page, setPage] = useState(here());
  const [language, setLanguage] = useState(firstLanguage());
  const [choice, setChoice] = useState(localStorage.getItem("auricle.theme") || "auto");
  const [theme, setTheme] = useState(themeOf(choice));
  const [Shown, setShown] = useState(() => (page === "playground" ? Playground : null));
  const main = useRef(null);
  const first = useRef(true);

  useLanguage(language);
  document.documentElement.dataset.theme = theme;
  document.title = `${t(`nav.${page}`)} · Auricle`;

  useEffect(() => {
    const move = () => setPage(here());
    const follow = () => setTheme(themeOf(choice));
    addEventListener("hashchange", move);
    dark.addEventListener("change", follow);
    follow();
    return () => {
      removeEventListener("hashchange", move);
      dark.removeEventListener("change", follow);
    };
  }, [choice]);
  useEffect(() => {
    let wanted = true;
    PAGES[page].load().then((component) => wanted && setShown(() => component));
    document.querySelector(".nav [aria-current]").scrollIntoView({ block: "nearest", inline: "nearest" });
    if (!first.current) main.current.focus();
    first.current = false;
    return () => { wanted = false; };
  }, [page]);

  const link = (name) => html`<a href=${`#/${name}`} aria-current=${name === page ? "page" : undefined}>${t(`nav.${name}`)}</a>`;
  const open = Object.keys(PAGES).filter((name) => !PAGES[name].admin);
  const closed = Object.keys(PAGES).filter((name) => PAGES[name].admin && server.accounts);
  return html`
    <a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); main.current.focus(); }}>${t("skip")}</a>
    <div class="frame">
      <header class="side">
        <a class="brand" href="#/playground"><img src="/console/static/icon.svg" alt="" />Auricle</a>
        <nav class="nav" aria-label=${t("nav")}>
          ${open.map(link)}
          ${closed.length > 0 && html`<span class="part">${t("nav.admin")}</span>${closed.map(link)}`}
        </nav>
        <div class="foot">
          <div class="row">
            <select aria-label=${t("language")} value=${language} onChange=${(e) => { localStorage.setItem("auricle.language", e.target.value); setLanguage(e.target.value); }}>
              ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code}>${name}</option>`)}
            </select>
            <select aria-label=${t("theme")} value=${choice} onChange=${(e) => { localStorage.setItem("auricle.theme", e.target.value); setChoice(e.target.value); setTheme(themeOf(e.target.value)); }}>
              ${["auto", "light", "dark"].map((name) => html`<option value=${name}>${t(`theme.${name}`)}</option>`)}
            </select>
          </div>
          <span class="muted small version">${t("version", { version: server.version })} · <a href="/docs">API</a></span>
        </div>
      </header>
      <main class="main" id="main" tabindex="-1" ref=${main}>${Shown && html`<${Shown} theme=${theme} key=${`${page}-${language}`} />`}</main>
    </div>`;
}

render(html`<${App} />`, document.getElementById("app"));

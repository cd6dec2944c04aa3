import { key, models as listModels, server } from "../api.js";
import { number, t } from "../i18n.js";
import { Load } from "../load.js";
import { Weights } from "../weights.js";
import { Badge, Card, Failure, Head, html, KeyBar, Table, useEffect, useState } from "../ui.js";

const POLL_MILLISECONDS = 2000;

export default function Models() {
  const [models, setModels] = useState(null);
  const [error, setError] = useState(null);
  const [round, setRound] = useState(0);
  const waits = models?.some((one) => !one.ready);

  const look = () => listModels().then((found) => { setModels(found); setError(null); }, setError);
  useEffect(() => {
    if (!server.keys || key.get()) look();
    else setModels(null);
  }, [round]);
  useEffect(() => {
    const timer = waits && setInterval(look, POLL_MILLISECONDS);
    return () => clearInterval(timer);
  }, [waits]);

  const columns = [
    [t("model"), (one) => html`<strong>${one.id}</strong>`],
    [t("models.task"), (one) => t(`models.${one.task}`)],
    [t("models.engine"), (one) => one.engine],
    [t("models.weights"), (one) => html`<span class="mono">${one.weights}</span>`],
    [t("models.context"), (one) => (one.context_length ? number(one.context_length) : "–"), "number"],
    [t("models.state"), (one) => html`<${Badge} kind=${one.ready ? "good" : "warn"}>${one.ready ? t("models.ready") : t("models.waiting")}<//>
      ${one.detail && html`<div class="muted small told">${one.detail}</div>`}`],
  ];
  return html`
    <${Head} title=${t("nav.models")}>${t("models.about")}<//>
    <${KeyBar} onChange=${() => { setError(null); setRound(round + 1); }} />
    <${Failure} error=${error} />
    ${models && html`<${Card} label=${t("nav.models")}><div aria-live="polite"><${Table} label=${t("nav.models")} columns=${columns} rows=${models} empty="" /></div><//>`}
    <${Card} title=${t("weights")}><${Weights} onArrived=${() => setRound(round + 1)} /><//>
    <section class="stack" aria-labelledby="load"><h2 id="load">${t("load")}</h2><${Load} /></section>`;
}

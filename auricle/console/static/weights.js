// The weights on the server's disk: what is needed, what is there, and getting more of it.
import { admin, server } from "./api.js";
import { has, number, size, t } from "./i18n.js";
import { Gate } from "./session.js";
import { Badge, Failure, html, Table, useActions, useEffect, useRef, useState } from "./ui.js";

const POLL_MILLISECONDS = 700;
const KINDS = { ready: "good", unchecked: "good", partial: "warn", damaged: "bad", absent: "" };
const goesOn = (one) => ["waiting", "running"].includes(one.pull?.state);

/** `onArrived` is called when a pull has ended well: engines that waited for it load it now. */
export function Weights({ onArrived }) {
  if (server.accounts) return html`<${Gate} invitation=${t("weights.signin")}>${() => html`<${Shelves} onArrived=${onArrived} />`}<//>`;
  if (server.keys) return html`<p class="muted">${t("weights.cli")} <code>auricle models pull</code></p>`;
  return html`<${Shelves} onArrived=${onArrived} />`;
}

function Shelves({ onArrived }) {
  const [shelves, setShelves] = useState(null);
  const [said, setSaid] = useState(""); // for screen readers: beginnings and ends, not every percent
  const before = useRef({});
  const speeds = useRef({}); // name -> {bytes, at, speed}
  const busy = shelves?.some(goesOn);

  const list = async () => {
    const found = (await admin("GET", "/weights")).data;
    for (const one of found) {
      const was = before.current[one.name];
      const now = one.pull?.state;
      if (was && was !== now && !goesOn(one)) {
        setSaid(t(`weights.said.${now || "done"}`, { name: one.name }));
        if (now !== "failed" && now !== "stopped") onArrived();
      }
      before.current[one.name] = goesOn(one) ? now : undefined;
      speeds.current[one.name] = measured(speeds.current[one.name], one.pull);
    }
    setShelves(found);
  };
  const { error, act } = useActions(list);
  useEffect(() => { act(() => {})(); }, []);
  useEffect(() => {
    const timer = busy && setInterval(() => list().catch(() => {}), POLL_MILLISECONDS);
    return () => clearInterval(timer);
  }, [busy]);

  const change = (method) => act(async (one) => {
    await admin(method, `/weights/${one.name.split("/").map(encodeURIComponent).join("/")}/pull`);
    if (method === "POST") setSaid(t("weights.said.began", { name: one.name }));
  });
  const start = change("POST");
  const stop = change("DELETE");
  const columns = [
    [t("models.weights"), (one) => html`<strong class="mono">${one.name}</strong>
      <div class="muted small">${has(`weights.for.${one.name}`) ? t(`weights.for.${one.name}`) : one.purpose}${one.licence && ` · ${one.licence}`}</div>`],
    [t("weights.size"), (one) => (one.size_bytes === null ? "–" : size(one.size_bytes)), "number"],
    [t("weights.needed"), (one) => (one.needed ? t("yes") : html`<span class="muted small">${t("weights.unused")}</span>`)],
    [t("models.state"), (one) => html`<${State} one=${one} speed=${speeds.current[one.name]?.speed} />`, "wide"],
    [t("keys.actions"), (one) => html`<${Action} one=${one} start=${start} stop=${stop} />`, "actions"],
  ];
  return html`
    <${Failure} error=${error} />
    <div class="sr" role="status">${said}</div>
    ${shelves && html`<${Table} label=${t("weights")} columns=${columns} rows=${shelves.map((one) => ({ ...one, id: one.name }))} empty="" />`}`;
}

function State({ one, speed }) {
  const { pull } = one;
  if (goesOn(one)) {
    const left = speed > 0 ? (pull.total_bytes - pull.done_bytes) / speed : null;
    const pace = pull.phase === "downloading" && left !== null
      ? t("weights.pace", { speed: size(speed), seconds: number(Math.ceil(left)) }) : "";
    return html`<progress max=${pull.total_bytes || 1} value=${pull.total_bytes ? pull.done_bytes : undefined} aria-label=${t("weights.progress", { name: one.name })}></progress>
      <div class="muted small">${t(`weights.phase.${pull.phase || "waiting"}`)}${pull.total_bytes > 0 && ` ${pull.percent} %`} ${pace}</div>
      ${pull.note && html`<div class="muted small">${pull.note}</div>`}`;
  }
  return html`<${Badge} kind=${KINDS[one.state]}>${t(`weights.${one.state}`)}${one.state === "partial" && ` (${size(one.present_bytes)})`}<//>
    ${pull?.state === "failed" && html`<div class="notice bad told">${pull.error}</div>`}`;
}

function Action({ one, start, stop }) {
  if (goesOn(one)) {
    return one.pull.asked && html`<button type="button" class="button slim" aria-label=${t("weights.stopOf", { name: one.name })} onClick=${() => stop(one)}>${t("ask.stop")}</button>`;
  }
  if (["ready", "unchecked"].includes(one.state)) return null;
  const name = one.state === "partial" ? "weights.goOn" : "weights.get";
  return html`<button type="button" class="button slim" aria-label=${t(`${name}Of`, { name: one.name })} onClick=${() => start(one)}>${t(name)}</button>`;
}

/** Bytes a second, smoothed over some seconds. */
function measured(known, pull) {
  if (pull?.phase !== "downloading") return undefined;
  const at = performance.now() / 1000;
  if (!known || pull.done_bytes < known.bytes) return { bytes: pull.done_bytes, at, speed: 0 };
  if (at - known.at < 0.3) return known;
  const now = (pull.done_bytes - known.bytes) / (at - known.at);
  return { bytes: pull.done_bytes, at, speed: known.speed ? 0.8 * known.speed + 0.2 * now : now };
}

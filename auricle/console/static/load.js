// What the server is doing now, from its metrics.
import { metrics } from "./api.js";
import { number, t } from "./i18n.js";
import { html, useEffect, useState } from "./ui.js";

const POLL_MILLISECONDS = 3000;

/** Values of the metric `name` by its label, or by "" without one. */
function values(text, name) {
  const found = {};
  for (const line of text.split("\n")) {
    const match = line.match(new RegExp(`^${name}(?:\\{\\w+="([^"]*)"\\})? (\\S+)$`));
    if (match) found[match[1] || ""] = Number(match[2]);
  }
  return found;
}

export function Load() {
  const [text, setText] = useState("");
  useEffect(() => {
    const poll = () => document.hidden || metrics().then(setText, () => {});
    poll();
    const timer = setInterval(poll, POLL_MILLISECONDS);
    return () => clearInterval(timer);
  }, []);
  if (!text) return null;
  const sum = (found) => Object.values(found).reduce((all, one) => all + one, 0);
  const waits = Object.values(values(text, "auricle_lane_wait_seconds"));
  const figures = [
    ["load.now", number(sum(values(text, "auricle_in_progress")))],
    ["load.queue", `${number(sum(values(text, "auricle_lane_waiting_cost_seconds")), 1)} s`],
    ["load.wait", `${number(Math.max(0, ...waits), 1)} s`],
    ["load.refused", number(sum(values(text, "auricle_refused_total")))],
    ["load.memory", `${number(sum(values(text, "auricle_audio_memory_bytes")) / 2 ** 20, 1)} MiB`],
  ];
  return html`<dl class="figures" aria-label=${t("load")}>${figures.map(([name, value]) => html`<div><dt>${t(name)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

// An audio on its time axis: the waveform, and beneath it what was heard, each span a button that goes there.
import { clock } from "./audio.js";
import { t } from "./i18n.js";
import { html, useEffect, useRef, useState } from "./ui.js";
import WaveSurfer from "./vendor/wavesurfer.js";

const NONCE = document.querySelector("script[nonce]").nonce;
const SHOWN_BYTES = 60 * 1024 * 1024; // a larger file is not decoded for its waveform: that would take gigabytes
const STEPS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400]; // seconds between marks of the axis

/**
 * `file` may be missing (an audio by URL): then there is the axis and what was heard, and nothing to play.
 * `player` is a ref that gets `seek(seconds)`.
 */
export function Timeline({ file, heard, theme, player, onTime }) {
  const box = useRef(null);
  const wave = useRef(null);
  const [seconds, setSeconds] = useState(0);
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const tell = (time) => {
    setAt(time);
    onTime?.(time);
  };

  useEffect(() => {
    setSeconds(0);
    tell(0);
    setPlaying(false);
    if (!file) return undefined;
    const style = getComputedStyle(document.documentElement);
    const made = WaveSurfer.create({
      container: box.current, height: 72, barWidth: 2, barGap: 1, barRadius: 1, cursorWidth: 1, cspNonce: NONCE, normalize: true,
      waveColor: style.getPropertyValue("--wave").trim(), progressColor: style.getPropertyValue("--wave-played").trim(),
    });
    wave.current = made;
    made.on("decode", (length) => setSeconds(length));
    made.on("timeupdate", tell);
    made.on("play", () => setPlaying(true));
    made.on("pause", () => setPlaying(false));
    made.on("finish", () => setPlaying(false));
    made.on("error", () => {}); // a format that only the server knows: it is heard all the same
    const drawn = file.size <= SHOWN_BYTES
      ? made.loadBlob(file)
      : made.loadBlob(file, [new Float32Array(2)], heard?.seconds || 1);
    drawn.catch(() => {});
    return () => {
      wave.current = null;
      made.destroy();
    };
  }, [file, theme]);

  const length = heard?.seconds || seconds;
  if (player) {
    player.current = {
      seek(time) {
        if (wave.current) {
          wave.current.setTime(time);
          wave.current.play().catch(() => {});
        }
        tell(time);
      },
    };
  }
  const sounds = (heard?.sounds || []).filter((sound) => sound.kind !== "speech");
  const musical = sounds.filter((sound) => ["music", "singing"].includes(sound.kind));
  const other = sounds.filter((sound) => !["music", "singing"].includes(sound.kind));
  const lanes = heard ? [
    ["speech", t("lane.speech"), heard.segments.map((segment) => ({ ...segment, label: segment.text }))],
    ["music", t("lane.music"), musical],
    ["sound", t("lane.sound"), other],
  ].filter(([, , spans]) => spans.length) : [];
  return html`<div class="timeline">
    ${file && html`<div class="wave" ref=${box}></div>`}
    ${lanes.map(([kind, name, spans]) => html`<${Lane} kind=${kind} name=${name} spans=${spans} length=${length} at=${at} seek=${(time) => player.current.seek(time)} />`)}
    ${length > 0 && html`<${Axis} length=${length} />`}
    <div class="row between">
      ${file && length > 0 && html`<div class="row">
        <button type="button" class="button slim" onClick=${() => wave.current?.playPause()}>${playing ? t("pause") : t("play")}</button>
        <span class="muted small">${clock(at)} / ${clock(length)}</span></div>`}
      ${lanes.length > 0 && html`<div class="legend" aria-hidden="true">${lanes.map(([kind, name]) => html`<span><i class=${kind}></i>${name}</span>`)}</div>`}
    </div>
  </div>`;
}

function Lane({ kind, name, spans, length, at, seek }) {
  return html`<div class="lane" role="group" aria-label=${name}>
    ${spans.map((span) => html`<button type="button" class=${`${kind}${at >= span.start && at < span.end ? " now" : ""}`}
      style=${{ left: `${(100 * span.start) / length}%`, width: `${(100 * (span.end - span.start)) / length}%` }}
      title=${`${clock(span.start)}–${clock(span.end)} ${span.label}`}
      aria-label=${`${clock(span.start)} ${t("to")} ${clock(span.end)}: ${span.label}`} onClick=${() => seek(span.start)}>${span.label}</button>`)}
  </div>`;
}

function Axis({ length }) {
  const step = STEPS.find((candidate) => length / candidate <= 8) || 28800;
  const marks = [];
  for (let mark = 0; mark < length - step / 2; mark += step) marks.push(mark);
  return html`<div class="axis" aria-hidden="true">
    ${[...marks, length].map((mark) => html`<span style=${{ left: `${(100 * mark) / length}%` }}>${clock(mark, mark === length || step < 1 ? 1 : 0)}</span>`)}
  </div>`;
}

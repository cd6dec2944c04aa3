// Where the audio comes from: the microphone, a file, or an address.
import { canRecord, clock, record } from "./audio.js";
import { t } from "./i18n.js";
import { Failure, html, useEffect, useRef, useState } from "./ui.js";

/** Calls `onAudio({file})` or `onAudio({url})`. */
export function Source({ onAudio, audio, urls = true }) {
  const [recording, setRecording] = useState(null);
  const [elapsed, setElapsed] = useState(0);
  const [over, setOver] = useState(false);
  const [error, setError] = useState("");
  const [url, setUrl] = useState("");
  const chooser = useRef(null);
  const running = useRef(null);

  useEffect(() => {
    if (!recording) return undefined;
    const began = performance.now();
    const timer = setInterval(() => setElapsed((performance.now() - began) / 1000), 200);
    return () => clearInterval(timer);
  }, [recording]);
  useEffect(() => () => running.current?.cancel(), []); // the microphone goes off with the page

  const start = async () => {
    setError("");
    if (!canRecord()) return setError(t(window.isSecureContext ? "mic.none" : "mic.insecure"));
    try {
      running.current = await record();
      setElapsed(0);
      setRecording(running.current);
    } catch (failure) {
      setError(t(failure.name === "NotAllowedError" ? "mic.refused" : "mic.none"));
    }
    return undefined;
  };
  const stop = async () => {
    const was = running.current;
    running.current = null;
    setRecording(null);
    try {
      onAudio({ file: await was.stop() });
    } catch {
      setError(t("mic.empty"));
    }
  };
  const take = (file) => {
    setError("");
    if (file) onAudio({ file });
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  const paste = (event) => {
    event.preventDefault();
    setError("");
    if (/^https?:\/\/\S+$/.test(url.trim())) onAudio({ url: url.trim() });
    else setError(t("url.bad"));
  };
  return html`<div class=${`drop${over ? " over" : ""}`} onDragOver=${(e) => { e.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <div class="row">
      <button type="button" class=${`button${recording ? " recording" : ""}`} onClick=${recording ? stop : start}>
        <span class="rec" aria-hidden="true"></span>${recording ? t("mic.stop") : t("mic.start")}</button>
      ${recording && html`<span role="timer" aria-label=${t("mic.elapsed")}>${clock(elapsed)}</span>`}
      <input type="file" class="sr" tabindex="-1" aria-hidden="true" ref=${chooser} accept="audio/*,.mp3,.wav,.flac,.m4a,.ogg" onChange=${(e) => { take(e.target.files[0]); e.target.value = ""; }} />
      <button type="button" class="button" onClick=${() => chooser.current.click()}>${t("file.choose")}</button>
      ${urls && html`<form class="row address" onSubmit=${paste}>
        <input class="grow" type="text" inputmode="url" aria-label=${t("url.label")} placeholder=${t("url.placeholder")} value=${url} onInput=${(e) => setUrl(e.target.value)} />
        <button class="button">${t("url.use")}</button></form>`}
    </div>
    <p class="muted small drop-hint">${audio ? html`<strong>${audio.file ? audio.file.name : audio.url}</strong>` : t("file.hint")}</p>
    <${Failure} error=${error} />
  </div>`;
}

import { ApiError, key, models as listModels, save, server, stream } from "../api.js";
import { clock, dataUrl } from "../audio.js";
import { t } from "../i18n.js";
import { Source } from "../source.js";
import { plain, srt, vtt } from "../subtitles.js";
import { Timeline } from "../timeline.js";
import { Card, Facts, Failure, Head, html, KeyBar, useEffect, useRef, useState } from "../ui.js";

const FILES = [["SRT", "srt", srt, "application/x-subrip"], ["VTT", "vtt", vtt, "text/vtt"], ["TXT", "txt", plain, "text/plain"]];

export default function Transcripts({ theme }) {
  const [audio, setAudio] = useState(null);
  const [heard, setHeard] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [time, setTime] = useState(0);
  const running = useRef(null);
  const player = useRef(null);
  useEffect(() => () => running.current?.abort(), []);

  const take = (found) => {
    running.current?.abort();
    setAudio(found);
    setHeard(null);
    setError(null);
  };
  const transcribe = async () => {
    if (running.current) return running.current.abort();
    if (!audio) return setError(t("ask.noAudio"));
    const stop = new AbortController();
    running.current = stop;
    setBusy(true);
    setError(null);
    setHeard(null);
    try {
      if (server.keys && !key.get()) throw new ApiError(401, "");
      const model = (await listModels()).find((one) => one.task === "understand");
      if (!model) throw new Error(t("transcripts.noModel"));
      const data = audio.url || (await dataUrl(audio.file));
      // What was heard comes beside an answer, which may be as short as can be.
      const content = [{ type: "input_audio", input_audio: { data } }, { type: "text", text: "OK?" }];
      const body = {
        model: model.id, messages: [{ role: "user", content }], stream: true, max_completion_tokens: 1,
        thinking: { type: "disabled" }, auricle: { heard: true },
      };
      for await (const chunk of stream(body, stop.signal)) if (chunk.auricle) setHeard(chunk.auricle.heard[0]);
    } catch (failure) {
      if (failure.name !== "AbortError") setError(failure);
    } finally {
      if (running.current === stop) running.current = null;
      setBusy(false);
    }
    return undefined;
  };
  const name = audio?.file ? audio.file.name.replace(/\.[^.]*$/, "") : "transcript";

  return html`
    <${Head} title=${t("nav.transcripts")}>${t("transcripts.about")}<//>
    <${KeyBar} onChange=${() => setError(null)} />
    <${Card} title=${t("audio")}>
      <${Source} audio=${audio} onAudio=${take} />
      ${audio && (audio.file || heard) && html`<${Timeline} file=${audio.file} heard=${heard} theme=${theme} player=${player} onTime=${setTime} />`}
      <div class="row"><button type="button" class=${`button${busy ? "" : " primary"}`} onClick=${transcribe}>${busy ? t("ask.stop") : t("transcripts.start")}</button>
        <span class="muted" role="status">${busy && t("answer.busy")}</span></div>
    <//>
    <${Failure} error=${error} />
    ${heard && html`<${Card} title=${t("transcripts.text")} aside=${heard.segments.length > 0 && html`<div class="row">
        ${FILES.map(([label, ending, write, type]) => html`<button type="button" class="button slim" aria-label=${t("transcripts.download", { format: label })}
          onClick=${() => save(new Blob([write(heard.segments)], { type }), `${name}.${ending}`)}>${label}</button>`)}</div>`}>
      <${Facts} facts=${[
        [t("transcripts.length"), clock(heard.seconds)],
        [t("transcripts.languages"), heard.languages.join(", ")],
        [t("transcripts.loudness"), `${heard.rms_dbfs} dBFS`],
      ]} />
      ${heard.segments.length === 0 ? html`<p class="empty">${t("transcripts.silent")}</p>` : html`<ol class="segments">
        ${heard.segments.map((it) => html`<li><button type="button" class=${time >= it.start && time < it.end ? "now" : ""} onClick=${() => player.current.seek(it.start)}>
          <span class="time">${clock(it.start)} – ${clock(it.end)}</span><span class="lang muted small">${it.language}</span><span lang=${it.language}>${it.text}</span></button></li>`)}
      </ol>`}
    <//>`}`;
}

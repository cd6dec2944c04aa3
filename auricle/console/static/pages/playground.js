import { models as listModels, server, stream } from "../api.js";
import { dataUrl } from "../audio.js";
import { number, t } from "../i18n.js";
import { curl, python } from "../snippets.js";
import { Source } from "../source.js";
import { Timeline } from "../timeline.js";
import { Card, Facts, Failure, Field, Head, html, KeyBar, Tabs, useEffect, useRef, useState } from "../ui.js";

export function Playground({ theme }) {
  const [models, setModels] = useState([]);
  const [model, setModel] = useState("mimo-v2.5");
  const [audio, setAudio] = useState(null);
  const [question, setQuestion] = useState("");
  const [thinking, setThinking] = useState(true);
  const [answer, setAnswer] = useState(null); // {content, reasoning, usage, heard, seconds, busy}
  const [error, setError] = useState(null);
  const [keyed, setKeyed] = useState(0);
  const running = useRef(null);
  const player = useRef(null);

  useEffect(() => {
    if (server.keys && !sessionStorage.getItem("auricle.key")) return;
    listModels().then((found) => {
      setError(null);
      setModels(found);
      if (!found.some((one) => one.id === model) && found.length) setModel(found[0].id);
    }).catch(setError);
  }, [keyed]);
  useEffect(() => () => running.current?.abort(), []);

  const recognizes = models.find((one) => one.id === model)?.task === "recognize";
  const body = request({ model, question: question || t("ask.default"), thinking, recognizes });
  const take = (found) => {
    setAudio(found);
    setAnswer(null);
    setError(null);
  };
  const ask = async (event) => {
    event.preventDefault();
    if (running.current) return running.current.abort();
    if (!audio) return setError(t("ask.noAudio"));
    setError(null);
    const stop = new AbortController();
    running.current = stop;
    const began = performance.now();
    const found = { content: "", reasoning: "", usage: null, heard: null, seconds: null, busy: true };
    const show = () => setAnswer({ ...found });
    show();
    try {
      const sent = JSON.stringify(body);
      const data = audio.url || (await dataUrl(audio.file));
      const filled = JSON.parse(sent, (name, value) => (name === "data" && value === null ? data : value));
      if (!recognizes) filled.auricle = { heard: true };
      for await (const chunk of stream(filled, stop.signal)) {
        const delta = chunk.choices[0]?.delta;
        found.content += delta?.content || "";
        found.reasoning += delta?.reasoning_content || "";
        found.usage = chunk.usage || found.usage;
        found.heard = chunk.auricle?.heard[0] || found.heard;
        show();
      }
      found.seconds = (performance.now() - began) / 1000;
    } catch (failure) {
      if (failure.name !== "AbortError") setError(failure);
    } finally {
      running.current = null;
      found.busy = false;
      show();
    }
    return undefined;
  };

  return html`
    <${Head} title=${t("nav.playground")}>${t("playground.about")}<//>
    <${KeyBar} onChange=${() => { setError(null); setKeyed(keyed + 1); }} />
    <${Card} title=${t("audio")}>
      <${Source} audio=${audio} onAudio=${take} />
      ${audio && (audio.file || answer?.heard) && html`<${Timeline} file=${audio.file} heard=${answer?.heard} theme=${theme} player=${player} />`}
    <//>
    <div class="cols">
      <div>
        <${Card} title=${t("question")}>
          <form class="card-form" onSubmit=${ask}>
            <${Field} id="model" label=${t("model")}>
              <select id="model" value=${model} onChange=${(e) => setModel(e.target.value)}>
                ${(models.length ? models : [{ id: model }]).map((one) => html`<option value=${one.id}>${one.id}</option>`)}
              </select>
            <//>
            ${recognizes ? html`<p class="muted small">${t("ask.recognizes")}</p>` : html`
              <${Field} id="question" label=${t("ask.label")}>
                <textarea id="question" rows="3" value=${question} placeholder=${t("ask.default")} onInput=${(e) => setQuestion(e.target.value)}></textarea>
              <//>
              <label class="check"><input type="checkbox" checked=${thinking} onChange=${(e) => setThinking(e.target.checked)} />${t("ask.thinking")}</label>`}
            <div class="row">
              <button class=${`button${answer?.busy ? "" : " primary"}`}>${answer?.busy ? t("ask.stop") : t("ask.send")}</button>
            </div>
          </form>
        <//>
      </div>
      <div>
        <${Failure} error=${error} />
        <${Card} title=${t("answer")}>
          ${answer?.reasoning && html`<details open><summary class="label">${t("reasoning")}</summary><div class="reasoning">${answer.reasoning}</div></details>`}
          <div class="answer" id="answer" aria-live="polite" aria-busy=${String(Boolean(answer?.busy))}>${answer?.content || (answer?.busy ? html`<span class="muted">${t(answer.reasoning ? "answer.writing" : "answer.busy")}</span>` : html`<span class="empty">${t("answer.empty")}</span>`)}</div>
          ${answer?.usage && html`<${Usage} usage=${answer.usage} seconds=${answer.seconds} />`}
        <//>
      </div>
    </div>
    <${Card} title=${t("code")}>
      <${Tabs} label=${t("code")} tabs=${[["curl", curl(body, audio)], ["Python", python(body, audio)]]} />
    <//>`;
}

function Usage({ usage, seconds }) {
  return html`<${Facts} facts=${[
    [t("usage.prompt"), number(usage.prompt_tokens)],
    [t("usage.audio"), number(usage.prompt_tokens_details.audio_tokens)],
    [t("usage.cached"), number(usage.prompt_tokens_details.cached_tokens)],
    [t("usage.completion"), number(usage.completion_tokens)],
    [t("usage.reasoning"), number(usage.completion_tokens_details.reasoning_tokens)],
    [t("usage.time"), seconds && `${number(seconds, 1)} s`],
  ]} />`;
}

/** The request as it is shown; the audio's data is null where the address or the file's bytes go. */
function request({ model, question, thinking, recognizes }) {
  const content = [{ type: "input_audio", input_audio: { data: null } }];
  if (!recognizes) content.push({ type: "text", text: question });
  const body = { model, messages: [{ role: "user", content }], stream: true };
  if (!recognizes && !thinking) body.thinking = { type: "disabled" };
  return body;
}

// The OpenAI SDK for Node: both official pages, streamed and not, models, errors.
// Arguments: a clip (MP3), the URL of a clip. Prints one JSON object, a key for each call.
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const [clip, url] = process.argv.slice(2);
const client = new OpenAI({
  apiKey: process.env.MIMO_API_KEY,
  baseURL: process.env.MIMO_API_BASE,
  maxRetries: 0,
});
const dataUrl = `data:audio/mpeg;base64,${readFileSync(clip).toString("base64")}`;

const messages = (data, ...texts) => [
  {
    role: "user",
    content: [
      { type: "input_audio", input_audio: { data } },
      ...texts.map((text) => ({ type: "text", text })),
    ],
  },
];

async function streamed(body) {
  const heard = { content: "", reasoning: "", finish: [], usage: [] };
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
    for (const { delta, finish_reason } of chunk.choices) {
      heard.content += delta.content ?? "";
      heard.reasoning += delta.reasoning_content ?? "";
      if (finish_reason) heard.finish.push(finish_reason);
    }
    if (chunk.usage) heard.usage.push(chunk.usage);
  }
  return heard;
}

// Stops after the first piece of an answer that would go on for long; the time that took, in seconds.
async function abandoned() {
  const started = performance.now();
  const body = { model: "mimo-v2.5", messages: messages(dataUrl, "[[sleep 0.2]] [[repeat 500]]"), stream: true };
  const stream = await client.chat.completions.create(body);
  for await (const _ of stream) break;
  return (performance.now() - started) / 1000;
}

async function failure(changed, asking = client) {
  const body = { model: "mimo-v2.5", messages: messages(dataUrl, "what is said?"), ...changed };
  try {
    await asking.chat.completions.create(body);
  } catch (error) {
    return { type: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
  return { type: "none" };
}

const question = "please describe the content of the audio";
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const answer = await client.chat.completions.create({
  model: "mimo-v2.5",
  messages: messages(url, question),
  max_completion_tokens: 1024,
});
const transcript = await client.chat.completions.create({
  model: "mimo-v2.5-asr",
  messages: messages(dataUrl),
  asr_options: { language: "auto" },
});

console.log(
  JSON.stringify({
    answer,
    transcript,
    stream: await streamed({
      model: "mimo-v2.5",
      messages: messages(dataUrl, question),
      stream_options: { include_usage: true },
    }),
    stream_of_recognition: await streamed({ model: "mimo-v2.5-asr", messages: messages(url) }),
    abandoned_seconds: await abandoned(),
    models,
    model: (await client.models.retrieve("mimo-v2.5-asr")).id,
    failures: {
      "wrong key": await failure({}, client.withOptions({ apiKey: "sk-wrong" })),
      "unknown model": await failure({ model: "mimo-v9" }),
      "no text": await failure({ messages: messages(dataUrl) }),
      "engine down": await failure({ messages: messages(dataUrl, "[[fail]]") }),
    },
  }),
);

// What a page in a browser does that calls from another origin: the preflight, judged as the Fetch standard says
// (https://fetch.spec.whatwg.org/#cors-preflight-fetch), then the call, streamed, and its errors.
// Arguments: a clip (MP3). Prints one JSON object.
import { readFileSync } from "node:fs";

const [clip] = process.argv.slice(2);
const base = process.env.MIMO_API_BASE;
const key = process.env.MIMO_API_KEY;
const origin = "https://page.example";

const listed = (reply, name) => (reply.headers.get(name) ?? "").split(",").map((item) => item.trim().toLowerCase());

// Throws as a browser refuses: the page would see nothing but "Failed to fetch".
function checkOrigin(reply, url) {
  const allowed = reply.headers.get("access-control-allow-origin");
  if (allowed !== "*" && allowed !== origin) throw new Error(`${url}: origin not allowed: ${allowed}`);
}

async function crossOriginFetch(url, { method = "GET", headers = {}, body } = {}) {
  const unsafe = Object.keys(headers).map((name) => name.toLowerCase()).sort();
  if (unsafe.length) {
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": unsafe.join(","),
      },
    });
    if (!preflight.ok) throw new Error(`${url}: preflight answered ${preflight.status}`);
    checkOrigin(preflight, url);
    const methods = listed(preflight, "access-control-allow-methods");
    if (!["get", "head", "post"].includes(method.toLowerCase()) && !methods.includes(method.toLowerCase()))
      throw new Error(`${url}: method not allowed: ${method}`);
    const names = listed(preflight, "access-control-allow-headers");
    for (const name of unsafe) {
      const wild = names.includes("*") && name !== "authorization";
      if (!names.includes(name) && !wild) throw new Error(`${url}: header not allowed: ${name}`);
    }
  }
  const reply = await fetch(url, { method, headers: { ...headers, origin }, body });
  checkOrigin(reply, url);
  const exposed = listed(reply, "access-control-expose-headers");
  return { reply, readable: (name) => (exposed.includes(name) ? reply.headers.get(name) : null) };
}

const data = `data:audio/mp3;base64,${readFileSync(clip).toString("base64")}`;
const ask = (more, headers = { "api-key": key }) =>
  crossOriginFetch(`${base}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      model: "mimo-v2.5-asr",
      messages: [{ role: "user", content: [{ type: "input_audio", input_audio: { data } }] }],
      ...more,
    }),
  });

async function streamedText() {
  const { reply } = await ask({ stream: true });
  let text = "";
  let rest = "";
  let done = false;
  for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
    const frames = (rest + piece).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      if (frame === "data: [DONE]") done = true;
      else text += JSON.parse(frame.slice(6)).choices[0]?.delta.content ?? "";
    }
  }
  return { text, done, rest };
}

const recognized = await ask({});
const bearer = await ask({}, { authorization: `Bearer ${key}` });
const refused = await ask({}, { "api-key": "sk-wrong" });
const wrong = await ask({ model: "mimo-v9" });
const models = await crossOriginFetch(`${base}/models`, { headers: { "api-key": key } });
const nowhere = await crossOriginFetch(`${base}/nowhere`, { headers: { "api-key": key } });

console.log(
  JSON.stringify({
    answer: await recognized.reply.json(),
    request_id: recognized.readable("x-request-id"),
    bearer: bearer.reply.status,
    stream: await streamedText(),
    models: (await models.reply.json()).data.map(({ id }) => id),
    refused: { status: refused.reply.status, body: await refused.reply.json() },
    wrong: { status: wrong.reply.status, body: await wrong.reply.json() },
    nowhere: nowhere.reply.status,
  }),
);

// The server's own HTTP API. A key lives in this tab's sessionStorage and travels in a header, never in a URL.
export const server = {
  accounts: document.body.dataset.accounts === "yes",
  keys: document.body.dataset.keys === "yes",
  version: document.body.dataset.version,
};

export class ApiError extends Error {
  constructor(status, message, detail = "", retryAfter = null) {
    super(message);
    Object.assign(this, { status, detail, retryAfter });
  }
}

const KEY = "auricle.key";
export const key = {
  get: () => sessionStorage.getItem(KEY) || "",
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

let csrf = "";
let onExpired = () => {};
export const whenSessionEnds = (listener) => { onExpired = listener; };

async function failure(response) {
  let message = response.statusText, detail = "";
  try {
    const { error } = await response.json();
    message = error.message;
    detail = error.param;
  } catch { /* a proxy's own page, say: the status has to do */ }
  return new ApiError(response.status, message, detail, response.headers.get("retry-after"));
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "");
  }
  if (!response.ok) throw await failure(response);
  return response;
}

function keyHeaders() {
  return key.get() ? { "api-key": key.get() } : {};
}

export async function models() {
  return (await (await send("/v1/models", { headers: keyHeaders() })).json()).data;
}

export async function metrics() {
  return (await send("/metrics", {})).text();
}

/** The chunks of a streamed answer; an error inside the stream is thrown as one before it would be. */
export async function* stream(body, signal) {
  const headers = { "content-type": "application/json", ...keyHeaders() };
  const response = await send("/v1/chat/completions", { method: "POST", headers, body: JSON.stringify(body), signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
      const chunk = JSON.parse(line.slice(6));
      if (chunk.error) throw new ApiError(Number(chunk.error.code), chunk.error.message, chunk.error.param);
      yield chunk;
    }
  }
}

/** A call to the administrator's endpoints, with the session's cookie. */
export async function admin(method, path, body) {
  const headers = { "x-csrf-token": csrf };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await send(`/admin/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    if (error.status === 401 && !["/session", "/setup", "/password"].includes(path)) onExpired();
    throw error;
  }
}

export async function session() {
  const found = await admin("GET", "/session");
  csrf = found.csrf_token || "";
  return found;
}

export async function begin(path, body, method = "POST") {
  csrf = (await admin(method, path, body)).csrf_token;
  return session();
}

export async function download(path, name) {
  let response;
  try {
    response = await send(`/admin/v1${path}`, {});
  } catch (error) {
    if (error.status === 401) onExpired();
    throw error;
  }
  save(await response.blob(), name);
}

/** Hand a file to the person. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

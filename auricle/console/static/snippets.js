// The same call for a shell and for Python. The key is named, never written out.

/** `source` is `{url}` or `{file}`; a file is read where the call is made. */
export function curl(body, source) {
  const data = source?.file ? `data:${source.file.type || "audio/wav"};base64,@@AUDIO@@` : source?.url || "";
  const text = JSON.stringify(filled(body, data), null, 2).replaceAll("'", "'\\''");
  const file = source?.file ? shell(source.file.name) : "";
  const whole = text.replace("@@AUDIO@@", () => `'"$(base64 < ${file} | tr -d '\\n')"'`);
  const input = source?.file ? "--data-binary @- <<< " : "--data-raw ";
  return `curl --no-buffer ${location.origin}/v1/chat/completions \\
  --header "api-key: $MIMO_API_KEY" \\
  --header "Content-Type: application/json" \\
  ${input}'${whole}'`;
}

export function python(body, source) {
  const { model, messages, stream, stream_options: streamOptions, ...rest } = filled(body, "@@AUDIO@@");
  const audio = source?.file
    ? `audio = base64.b64encode(Path(${JSON.stringify(source.file.name)}).read_bytes()).decode()\n`
    : "";
  const data = source?.file ? `"data:${source.file.type || "audio/wav"};base64," + audio` : JSON.stringify(source?.url || "");
  const more = Object.keys(rest).length ? `\n    extra_body=${literal(rest, 4)},` : "";
  return `import os
${source?.file ? "import base64\nfrom pathlib import Path\n" : ""}
from openai import OpenAI

client = OpenAI(api_key=os.environ["MIMO_API_KEY"], base_url=${JSON.stringify(`${location.origin}/v1`)})
${audio}stream = client.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=${literal(messages, 4).replace('"@@AUDIO@@"', () => data)},${more}
    stream=True,
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
print()
`;
}

const filled = (body, data) =>
  JSON.parse(JSON.stringify(body), (name, value) => (name === "data" && value === null ? data : value));

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A JSON value as Python writes it. */
function literal(value, indent) {
  const text = JSON.stringify(value, (_, inner) => (typeof inner === "boolean" ? `@@${inner ? "True" : "False"}@@` : inner), 4);
  return text.replace(/"@@(True|False)@@"/g, "$1").replaceAll("\n", `\n${" ".repeat(indent)}`);
}

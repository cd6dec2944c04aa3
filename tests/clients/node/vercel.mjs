// Vercel's AI SDK with its provider for OpenAI-compatible servers: generateText, streamText, a tool.
// Arguments: a clip (WAV). Prints one JSON object, a key for each call.
import { readFileSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";

const [clip] = process.argv.slice(2);
const mimo = createOpenAICompatible({
  name: "mimo",
  baseURL: process.env.MIMO_API_BASE,
  apiKey: process.env.MIMO_API_KEY,
  includeUsage: true,
});
const recording = { type: "file", mediaType: "audio/wav", data: readFileSync(clip) };
const messages = (text) => [{ role: "user", content: [...(text ? [{ type: "text", text }] : []), recording] }];
const question = "What does the speaker say?";
const common = { maxRetries: 0 };

const whole = await generateText({
  ...common,
  model: mimo("mimo-v2.5"),
  system: "You listen carefully.",
  messages: messages(question),
  maxOutputTokens: 1024,
  temperature: 0,
});
const stream = streamText({ ...common, model: mimo("mimo-v2.5"), messages: messages(question) });
const pieces = { text: "", reasoning: "" };
for await (const part of stream.fullStream) {
  if (part.type === "text-delta") pieces.text += part.text;
  if (part.type === "reasoning-delta") pieces.reasoning += part.text;
  if (part.type === "error") throw part.error;
}
const quick = await generateText({
  ...common,
  model: mimo("mimo-v2.5"),
  messages: messages(question),
  providerOptions: { mimo: { thinking: { type: "disabled" } } },
});
const called = await generateText({
  ...common,
  model: mimo("mimo-v2.5"),
  messages: messages('[[call look {"where": "up"}]]'),
  tools: { look: tool({ inputSchema: jsonSchema({ type: "object", properties: { where: { type: "string" } } }) }) },
});
const transcript = await generateText({ ...common, model: mimo("mimo-v2.5-asr"), messages: messages() });
const failure = await generateText({ ...common, model: mimo("mimo-v9"), messages: messages(question) }).catch(
  (error) => ({ name: error.name, status: error.statusCode, retryable: error.isRetryable, message: error.message }),
);

console.log(
  JSON.stringify({
    whole: { text: whole.text, reasoning: whole.reasoningText, finish: whole.finishReason, usage: whole.usage },
    stream: { ...pieces, finish: await stream.finishReason, usage: await stream.usage },
    quick: { text: quick.text, reasoning: quick.reasoningText ?? "" },
    call: called.toolCalls.map(({ toolName, input }) => ({ toolName, input })),
    transcript: transcript.text,
    failure,
  }),
);

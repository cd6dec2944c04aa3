// Subtitle files of segments `{start, end, text}`; times in seconds.
const stamp = (seconds, mark) => {
  const milliseconds = Math.round(seconds * 1000);
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${two(milliseconds / 3_600_000)}:${two((milliseconds / 60_000) % 60)}:${two((milliseconds / 1000) % 60)}${mark}${String(milliseconds % 1000).padStart(3, "0")}`;
};

export const srt = (segments) => segments
  .map((it, n) => `${n + 1}\n${stamp(it.start, ",")} --> ${stamp(it.end, ",")}\n${it.text.trim()}\n`).join("\n");

export const vtt = (segments) => `WEBVTT\n\n${segments
  .map((it) => `${stamp(it.start, ".")} --> ${stamp(it.end, ".")}\n${escaped(it.text.trim())}\n`).join("\n")}`;

export const plain = (segments) => `${segments.map((it) => it.text.trim()).join("\n")}\n`;

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

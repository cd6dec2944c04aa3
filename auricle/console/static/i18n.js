// Two languages: `t` takes a key and what stands in its braces. The tables have the same keys; a test sees to it.
import en from "./strings/en.js";
import zh from "./strings/zh.js";

export const LANGUAGES = { en: "English", zh: "简体中文" };
const TABLES = { en, zh };
let current = "en";

export function useLanguage(code) {
  current = code in TABLES ? code : "en";
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}

export function firstLanguage() {
  const stored = localStorage.getItem("auricle.language");
  if (stored in TABLES) return stored;
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function t(key, values = {}) {
  return TABLES[current][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

export const has = (key) => key in TABLES[current];

export const locale = () => (current === "zh" ? "zh-CN" : "en-GB");
export const number = (value, digits = 0) =>
  Number(value).toLocaleString(locale(), { maximumFractionDigits: digits, minimumFractionDigits: 0 });
export const money = (text, currency, digits = 2) =>
  `${currency} ${Number(text).toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: 6 })}`;
/** An amount to look at: hundredths, but for less than one of the currency. */
export const about = (text, currency) => (Math.abs(Number(text)) < 1 ? money(text, currency) : money(Number(text).toFixed(2), currency));

/** Bytes in decimal units, as download sizes are. */
export function size(bytes) {
  const step = Math.min(Math.max(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 0), 4);
  return `${Number((bytes / 1000 ** step).toPrecision(3)).toLocaleString(locale())} ${["B", "kB", "MB", "GB", "TB"][step]}`;
}
export const when = (iso, timeStyle = "short") =>
  iso ? new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle }) : "";

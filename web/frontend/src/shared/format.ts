// Numbers as the reader's language writes them.

import { language } from "./i18n/language";

const locale = (): string => (language() === "zh" ? "zh-CN" : "en-US");

/** 14492160 -> 14,492,160 */
export const whole = (value: number): string => value.toLocaleString(locale());

/** 14492160 -> 14.5M; for places where the digits do not fit. */
export const short = (value: number): string =>
  value.toLocaleString("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** 0.0043641 -> 0.00436 */
export function rough(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(3)));
}

/** 1536 -> 1.5 kB; by 1000, as file managers count. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) {
    value /= 1000;
    place++;
  }
  return `${place && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[place]}`;
}

/** 0.0573 -> 5.7%, 0.00037 -> 0.04% */
export const percent = (value: number): string =>
  value.toLocaleString(locale(), { style: "percent", maximumFractionDigits: Math.abs(value) < 0.01 ? 2 : 1 });

/** 61.23 -> 61.2 s */
export const seconds = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;

/** What a terminal can show: colours, a width, and numbers and durations as people read them. */
import { formatNumber } from "../report/numbers.ts";

/** Where text goes: standard output, standard error, or what stands in for them. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** The terminal's width; absent or 0 where it is not known. */
  readonly columns?: number;
  /** Whether the terminal can show colours; heeds TERM and what the terminal says of itself. */
  hasColors?(): boolean;
}

/** Select Graphic Rendition codes: what switches a style on and off. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof STYLES;

/** Writes a text in a style. */
export type Paint = (style: Style, text: string) => string;

/** Colours for a terminal that shows them, plain text elsewhere. NO_COLOR and FORCE_COLOR decide where they are set. */
export function painter(screen: Screen, environment: NodeJS.ProcessEnv = process.env): Paint {
  if (!showsColours(screen, environment)) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = STYLES[style];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  };
}

/** FORCE_COLOR goes before NO_COLOR, as in Node itself; an empty NO_COLOR counts as absent (no-color.org). */
function showsColours(screen: Screen, environment: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR, NO_COLOR } = environment;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (NO_COLOR) return false;
  return isLive(screen, environment) && (screen.hasColors?.() ?? false);
}

/** Whether what was written can be written over: a terminal that follows cursor movements. */
export function isLive(screen: Screen, environment: NodeJS.ProcessEnv = process.env): boolean {
  return screen.isTTY === true && environment.TERM !== "dumb";
}

/** A whole number with thousands separators: 28,100. */
export function formatCount(value: number): string {
  return formatNumber(value, 0);
}

/** So many of something: 1 example, 28,100 examples. */
export function counted(value: number, unit: string): string {
  return `${formatCount(value)} ${unit}${value === 1 ? "" : "s"}`;
}

/** Bytes as people say them: 12 B, 3.4 kB, 512 MB, 1.2 GB (powers of ten). */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** step;
  return `${formatNumber(value, step === 0 || value >= 100 ? 0 : 1)} ${units[step]}`;
}

/** Seconds as people say them: 0.4s, 21s, 1m 05s, 2h 03m. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${formatNumber(Math.round(seconds * 10) / 10)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${formatCount(Math.floor(minutes / 60))}h ${pad(minutes % 60)}m`;
}

/** Seconds as a clock that runs down shows them: 0:21, 1:05, 2:03:09. */
export function formatClock(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${pad(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

import { type MarkerValue, readMarker } from "./api";
import type { Marker } from "./types";

export interface MarkedTask {
  marker: Marker;
  value: MarkerValue;
}

export function number(value: MarkerValue, name: string): number | null {
  const found = value.counts[name];
  return typeof found === "number" ? found : null;
}

export function text(value: MarkerValue, name: string): string | null {
  const found = value.counts[name];
  return typeof found === "string" ? found : null;
}

/** Read what each task found, without those that may not be read. */
export async function marked(markers: Marker[], signal: AbortSignal, key?: string): Promise<MarkedTask[]> {
  const values = await Promise.all(markers.map((marker) => readMarker(marker, signal, key)));
  return markers.flatMap((marker, at) => {
    const value = values[at];
    // One time for one audit everywhere: when it began, as its page and its report say it.
    return value ? [{ marker: { ...marker, timestamp: text(value, "audited_at") ?? marker.timestamp }, value }] : [];
  });
}

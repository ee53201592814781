import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";

import { CURSOR, GRID, LABEL } from "./colours";

const HEIGHT = 160;
const BOTTOM = 22;
const TOP = 8;
const LETTER_WIDTH = 7;
const LINES = 4;
const GAP = 1;
const MAX_BAR_WIDTH = 32;
const FIRST_WIDTH = 600;

export interface BarPart {
  value: number;
  fill: string;
}

export interface BarDatum {
  key: string;
  /** What stands below it on the axis. */
  label: string;
  parts: BarPart[];
  /** What is said about it under the pointer, or when the arrow keys reach it. */
  tip: ReactNode;
  /** The same in one sentence, for those who listen. */
  text: string;
}

/** Stacked bars with an axis, which the pointer and the arrow keys go through bar by bar. */
export function Bars({
  data,
  label,
  shown,
  onChoose,
  isChosen = () => false,
  hint = "",
}: {
  data: BarDatum[];
  label: string;
  shown: (value: number) => string;
  onChoose?: (key: string) => void;
  /** Which bars are marked as chosen. */
  isChosen?: (key: string) => boolean;
  /** What choosing a bar does, for those who listen. */
  hint?: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [at, setAt] = useState<number | null>(null);
  const said = useId();
  const ticks = ticksUpTo(Math.max(...data.map(total), 0));
  const most = ticks[ticks.length - 1] ?? 1;
  const left = 8 + LETTER_WIDTH * Math.max(...ticks.map((tick) => shown(tick).length));
  const plotHeight = HEIGHT - TOP - BOTTOM;
  const step = Math.max(width - left - 4, 1) / Math.max(data.length, 1);
  const y = (value: number) => TOP + plotHeight * (1 - value / most);
  const barWidth = Math.max(Math.min(step - GAP, MAX_BAR_WIDTH * (onChoose ? 1 : 4)), 1);
  const every = Math.max(Math.ceil((10 * LETTER_WIDTH + 24) / step), 1);
  const current = at === null ? undefined : data[at];
  const move = (event: KeyboardEvent) => {
    const to = { ArrowLeft: (at ?? data.length) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: data.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setAt(Math.min(Math.max(to, 0), data.length - 1));
    } else if (event.key === "Escape") {
      setAt(null);
    } else if (event.key === "Enter" && current && onChoose) {
      onChoose(current.key);
    }
  };
  return (
    <div
      ref={box}
      className="plot"
      role="application"
      aria-roledescription="chart"
      aria-label={`${label}, bar by bar${hint}`}
      aria-describedby={said}
      tabIndex={0}
      onKeyDown={move}
      onBlur={() => setAt(null)}
      onMouseLeave={() => setAt(null)}
      onMouseMove={(event) => {
        const from = event.currentTarget.getBoundingClientRect().left;
        const over = Math.floor((event.clientX - from - left) / step);
        setAt(over >= 0 && over < data.length ? over : null);
      }}
    >
      <svg width="100%" height={HEIGHT} aria-hidden="true">
        {ticks.map((tick) => (
          <g key={tick}>
            <line x1={left} x2={width} y1={y(tick)} y2={y(tick)} {...GRID} />
            <text x={left - 6} y={y(tick) + 4} textAnchor="end" {...LABEL}>
              {shown(tick)}
            </text>
          </g>
        ))}
        {at !== null && <rect x={left + at * step} y={TOP} width={step} height={plotHeight} {...CURSOR} />}
        {data.map(
          ({ key }, number) =>
            isChosen(key) && <rect key={key} className="chosen" x={left + number * step} y={TOP} width={step} height={plotHeight} />,
        )}
        {data.map((datum, number) => {
          let base = 0;
          const x = left + number * step + (step - barWidth) / 2;
          return (
            <g
              key={datum.key}
              className={onChoose ? "bar-shape chooses" : "bar-shape"}
              {...(onChoose ? { onClick: () => onChoose(datum.key) } : {})}
            >
              {onChoose && <rect className="column" x={left + number * step} y={TOP} width={step} height={plotHeight} />}
              {datum.parts.map(({ value, fill }, part) => {
                base += value;
                const height = Math.max(y(base - value) - y(base), 0);
                return height > 0 && <rect key={part} className="part" x={x} y={y(base)} width={barWidth} height={height} style={{ fill }} />;
              })}
              {number % every === 0 && left + (number + 0.5) * step + 5 * LETTER_WIDTH < width && (
                <text x={Math.max(left + (number + 0.5) * step, 5 * LETTER_WIDTH)} y={HEIGHT - 6} textAnchor="middle" {...LABEL}>
                  {datum.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      {current && at !== null && (
        <div className="tip floating" style={left + at * step > width / 2 ? { right: width - (left + at * step) } : { left: left + (at + 1) * step }}>
          {current.tip}
        </div>
      )}
      <span id={said} className="unseen" role="status">
        {current?.text ?? ""}
      </span>
    </div>
  );
}

function total(datum: BarDatum): number {
  return datum.parts.reduce((sum, part) => sum + part.value, 0);
}

/** Round numbers from nothing up to at least the most. */
export function ticksUpTo(most: number): number[] {
  if (most <= 0) {
    return [0, 1];
  }
  const rough = most / LINES;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough, most >= 1 ? 1 : 0);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, number) => number * step);
}

/** How wide a box is, now and when the window changes. */
export function useWidth(box: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(FIRST_WIDTH);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) {
      return undefined;
    }
    const measure = () => setWidth(element.clientWidth || FIRST_WIDTH);
    measure();
    if (typeof ResizeObserver === "undefined") {
      return undefined;
    }
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

import { describe, expect, it } from "vitest";

import * as colours from "../src/charts/colours";
import { STYLE } from "../src/style";

/** The colours of Airflow 3.3 in its two themes, as a browser computes them; the browser tests look at those that are shown. */
const THEMES: Record<string, Record<string, string>> = {
  light: {
    bg: "oklch(1 0 0)",
    "fg-muted": "oklch(0.45 0.055 251)",
    "red-solid": "oklch(0.577 0.245 27.325)",
    "red-muted": "oklch(0.885 0.062 18.334)",
    "blue-solid": "oklch(0.546 0.245 262.881)",
    "blue-fg": "oklch(0.424 0.199 265.638)",
    "blue-muted": "oklch(0.882 0.059 254.128)",
  },
  dark: {
    bg: "oklch(0.23185 0.0323 266.44)",
    "fg-muted": "oklch(0.75 0.025 252)",
    "red-solid": "oklch(0.577 0.245 27.325)",
    "red-muted": "oklch(0.444 0.177 26.899)",
    "blue-solid": "oklch(0.546 0.245 262.881)",
    "blue-fg": "oklch(0.882 0.059 254.128)",
    "blue-muted": "oklch(0.424 0.199 265.638)",
  },
};
const VARIABLE = /^var\(--chakra-colors-([a-z-]+), (#[0-9a-f]{3,6})\)$/;

/** How a colour looks in a theme; without one, where the host lacks its variables. */
function shown(colour: string, theme: string): string {
  const [, name = "", instead = ""] = VARIABLE.exec(colour) ?? [];
  const found = theme === "none" ? instead : THEMES[theme]?.[name];
  expect(found, `${colour} in ${theme}`).toBeTruthy();
  return found!;
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = colour.startsWith("#") ? ofHex(colour) : ofOklch(colour);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Linear red, green and blue. */
function ofHex(text: string): number[] {
  const digits = text.length === 4 ? [...text.slice(1)].map((digit) => digit + digit) : (text.slice(1).match(/../g) ?? []);
  return digits.map((pair) => Number.parseInt(pair, 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
}

function ofOklch(text: string): number[] {
  const [lightness = 0, chroma = 0, hue = 0] = (text.match(/[\d.]+/g) ?? []).map(Number);
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const [l, m, s] = [
    (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3,
  ];
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((part) => Math.min(Math.max(part, 0), 1));
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const styleOf = (selector: string, property: string) =>
  new RegExp(`^${selector.replace(/[.*+?()]/g, "\\$&")} \\{[^}]*\\b${property}:[^;}]*?(var\\([^)]*\\))`, "m").exec(STYLE)?.[1] ?? "";

const BACKGROUND = "var(--chakra-colors-bg, #fff)";
const BORDER_OF_TILES = styleOf(".ecrp .tile-shape rect", "stroke");

/** Each pair of colours that has to be told apart, and the least contrast. */
const PAIRS: [what: string, one: string, other: string, least: number][] = [
  ["bars of what is deleted", colours.EXPIRING, BACKGROUND, 3],
  ["bars of what is archived", colours.ARCHIVING, BACKGROUND, 3],
  ["bars of what is kept", colours.KEPT, BACKGROUND, 3],
  ["lines and dots of a trend", colours.SHOWN, BACKGROUND, 3],
  ["the line between the parts of a bar, deleted", styleOf(".ecrp .plot .part", "stroke"), colours.EXPIRING, 3],
  ["the line between the parts of a bar, archived", styleOf(".ecrp .plot .part", "stroke"), colours.ARCHIVING, 3],
  ["the bar in a cell", styleOf(".ecrp .bar i", "background"), BACKGROUND, 3],
  ["the frame of chosen bars", styleOf(".ecrp .plot .chosen", "stroke"), BACKGROUND, 3],
  ["the border of tiles", BORDER_OF_TILES, BACKGROUND, 3],
  ["the border of tiles, on them", BORDER_OF_TILES, colours.TILE, 3],
  ["the border of critical tiles, on them", BORDER_OF_TILES, colours.CRITICAL_TILE, 3],
  ["the border of a key", styleOf(".ecrp .key i", "border"), BACKGROUND, 3],
  ["the border of a banner for good", styleOf(".ecrp .banner.real", "border-color"), BACKGROUND, 3],
  ["the border of a banner of a dry run", styleOf(".ecrp .banner.dry", "border-color"), BACKGROUND, 3],
  ["the border of fields", styleOf(".ecrp input, .ecrp select, .ecrp .button", "border"), BACKGROUND, 3],
  ["the labels of an axis", colours.LABEL.style.fill, BACKGROUND, 4.5],
];

describe.each(["light", "dark", "none"])("in the theme %s", (theme) => {
  it.each(PAIRS)("%s can be seen", (_what, one, other, least) => {
    expect(contrast(shown(one, theme), shown(other, theme))).toBeGreaterThanOrEqual(least);
  });
});

it("computes contrast as WCAG does", () => {
  expect(contrast("#fff", "#000000")).toBeCloseTo(21);
  expect(contrast("#777777", "#fff")).toBeCloseTo(4.48, 2);
  expect(contrast("oklch(1 0 0)", "oklch(0 0 0)")).toBeCloseTo(21);
});

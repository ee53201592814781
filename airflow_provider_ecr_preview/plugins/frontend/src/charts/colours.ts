// The host's own, which follow its light and dark mode; the second of each is for a host that lacks them.
export const EXPIRING = "var(--chakra-colors-red-solid, #dc2626)";
export const ARCHIVING = "var(--chakra-colors-blue-solid, #2563eb)";
export const KEPT = "var(--chakra-colors-fg-muted, #52525b)";

// Of areas with text on them.
export const CRITICAL_TILE = "var(--chakra-colors-red-muted, #fecaca)";
export const TILE = "var(--chakra-colors-blue-muted, #bfdbfe)";

export const SHOWN = "var(--chakra-colors-blue-fg, #1d4ed8)";

// In a style, because an attribute of an SVG takes no variable.
export const GRID = { style: { stroke: "var(--chakra-colors-border, #d4d4d8)" } };

export const LABEL = { style: { fill: "var(--chakra-colors-fg-muted, #52525b)" } };

export const CURSOR = { style: { fill: "var(--chakra-colors-fg-muted, #52525b)", fillOpacity: 0.15 } };

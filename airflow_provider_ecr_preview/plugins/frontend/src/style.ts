// The host's own colours, which follow its light and dark mode; the second of each is for a host that lacks them.
export const STYLE = `
.ecrp { color: var(--chakra-colors-fg, #18181b); padding: 1rem; overflow: auto; height: 100%; box-sizing: border-box; line-height: 1.45; }
.ecrp :where(h2) { font-size: 1.15rem; font-weight: 600; margin: 0 0 .25rem; }
.ecrp :where(h3) { font-size: 1rem; font-weight: 600; margin: 1.5rem 0 .5rem; }
.ecrp :where(p) { margin: .25rem 0; }
.ecrp .quiet { color: var(--chakra-colors-fg-muted, #52525b); font-size: .875rem; }
.ecrp a { color: var(--chakra-colors-brand-fg, var(--chakra-colors-fg, #0b4f9e)); text-decoration: underline; }
.ecrp .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: .75rem 0; padding: 0; }
.ecrp .tile { border: 1px solid var(--chakra-colors-border, #d4d4d8); border-radius: .5rem; padding: .6rem .8rem; }
.ecrp .tile dt { font-size: .8rem; color: var(--chakra-colors-fg-muted, #52525b); }
.ecrp .tile dd { font-size: 1.3rem; font-weight: 600; margin: 0; }
.ecrp .tile dd small { display: block; font-size: .75rem; font-weight: 400; color: var(--chakra-colors-fg-muted, #52525b); }
.ecrp .aside { text-align: right; margin: 0; }
.ecrp .wide { overflow: auto; max-height: min(80vh, 60rem); }
.ecrp .wide thead th { position: sticky; top: 0; z-index: 2; background: var(--chakra-colors-bg, #fff); box-shadow: inset 0 -1px var(--chakra-colors-border, #d4d4d8); }
.ecrp table { border-collapse: collapse; width: 100%; font-size: .875rem; }
.ecrp th, .ecrp td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--chakra-colors-border, #d4d4d8); vertical-align: top; }
.ecrp th { font-weight: 600; white-space: nowrap; }
.ecrp td.number, .ecrp th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.ecrp td.short { white-space: nowrap; }
.ecrp td.sentences { min-width: 11rem; }
.ecrp th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
.ecrp code { font-family: ui-monospace, monospace; font-size: .85em; overflow-wrap: anywhere; }
.ecrp .controls { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: .5rem 0; }
.ecrp .controls label { max-width: 100%; display: flex; flex-direction: column; font-size: .8rem; gap: .15rem; }
.ecrp input, .ecrp select, .ecrp .button { font: inherit; font-size: .875rem; color: inherit; background: var(--chakra-colors-bg, #fff); border: 1px solid var(--chakra-colors-fg-muted, #71717a); border-radius: .375rem; padding: .3rem .55rem; cursor: pointer; }
.ecrp :is(input, select) { max-width: 100%; box-sizing: border-box; }
.ecrp .button:disabled { opacity: .6; cursor: default; }
.ecrp :is(a, button, input, select, summary, [tabindex]):focus-visible { outline: 2px solid var(--chakra-colors-brand-solid, #2563eb); outline-offset: 2px; }
.ecrp button.link { font: inherit; color: var(--chakra-colors-brand-fg, var(--chakra-colors-fg, #0b4f9e)); text-decoration: underline; background: none; border: 0; padding: 0; cursor: pointer; text-align: left; }
.ecrp .badge { border: 1px solid currentColor; border-radius: .375rem; padding: 0 .4rem; font-size: .75rem; font-weight: 600; white-space: nowrap; }
.ecrp .critical { color: var(--chakra-colors-red-fg, #b91c1c); }
.ecrp .warning { color: var(--chakra-colors-orange-fg, #9a3412); }
.ecrp .info { color: var(--chakra-colors-blue-fg, #1d4ed8); }
.ecrp ul.findings { list-style: none; padding: 0; margin: 0; }
.ecrp ul.findings li { padding: .35rem 0; }
.ecrp .chart { margin: 0 0 1rem; min-width: 0; }
.ecrp .plot, .ecrp .map { position: relative; width: 100%; }
.ecrp .plot { min-height: 160px; }
.ecrp .plot.trend { min-height: 130px; }
.ecrp .plot svg, .ecrp .map svg { display: block; overflow: hidden; }
.ecrp .plot text { font-size: 12px; }
.ecrp .tip.floating { position: absolute; top: 0; z-index: 3; pointer-events: none; }
.ecrp .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.ecrp .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.ecrp .tip { background: var(--chakra-colors-bg-panel, var(--chakra-colors-bg, #fff)); color: var(--chakra-colors-fg, #18181b); border: 1px solid var(--chakra-colors-border, #d4d4d8); border-radius: .375rem; padding: .35rem .6rem; font-size: .8rem; max-width: 18rem; overflow-wrap: anywhere; }
.ecrp .plot .chosen { fill: var(--chakra-colors-fg-muted, #52525b); fill-opacity: .2; stroke: var(--chakra-colors-fg-muted, #52525b); }
.ecrp .plot .chooses { cursor: pointer; }
.ecrp .plot .column { fill: transparent; }
.ecrp .plot .part { stroke: var(--chakra-colors-bg, #fff); stroke-width: 1; }
.ecrp ul.active { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: .5rem 0; }
.ecrp input.narrow { width: 7rem; }
.ecrp .coming { min-height: 40rem; }
.ecrp .tile-shape { cursor: pointer; }
.ecrp .tile-shape rect { stroke: var(--chakra-colors-fg-muted, #52525b); stroke-width: 1; }
.ecrp :where(h4) { font-size: .9rem; font-weight: 600; margin: 1rem 0 .35rem; }
.ecrp .tile-shape text { fill: var(--chakra-colors-fg, #18181b); stroke: none; font-size: 12px; }
.ecrp .key { display: inline-block; max-width: calc(100% - .5rem); margin-left: .5rem; }
.ecrp .key i { display: inline-block; width: .7em; height: .7em; margin-right: .3em; border: 1px solid var(--chakra-colors-fg-muted, #52525b); }
.dark .ecrp :is(input, select) { color-scheme: dark; }
.ecrp summary { cursor: pointer; padding: .15rem 0; }
.ecrp :is(td code, td small, .place) { white-space: nowrap; }
.ecrp .bar { display: inline-block; width: 6rem; height: .5rem; margin-right: .35rem; border-radius: .25rem; background: var(--chakra-colors-bg-emphasized, #e4e4e7); overflow: hidden; }
.ecrp .bar i { display: block; height: 100%; background: var(--chakra-colors-blue-fg, #1d4ed8); }
.ecrp .back { margin-bottom: .75rem; }
.ecrp .banner { border: 2px solid var(--chakra-colors-border, #d4d4d8); border-left-width: .5rem; border-radius: .5rem; padding: .6rem .8rem; margin: .75rem 0; }
.ecrp .banner strong { letter-spacing: .04em; margin-right: .35rem; }
.ecrp .banner.real { border-color: var(--chakra-colors-red-solid, #dc2626); }
.ecrp .banner.real strong { color: var(--chakra-colors-red-fg, #b91c1c); }
.ecrp .banner.dry { border-color: var(--chakra-colors-blue-solid, #2563eb); border-style: dashed; border-left-style: solid; }
.ecrp .banner.dry strong { color: var(--chakra-colors-blue-fg, #1d4ed8); }
.ecrp td details { min-width: 11rem; }
.ecrp .remedy { color: var(--chakra-colors-fg-muted, #52525b); font-size: .875rem; }
.ecrp .reason { overflow-wrap: anywhere; white-space: pre-line; }
.ecrp pre.diff { font-family: ui-monospace, monospace; font-size: .8rem; margin: .5rem 0; padding: .5rem; border: 1px solid var(--chakra-colors-border, #d4d4d8); border-radius: .375rem; overflow-x: auto; max-height: 30rem; }
.ecrp pre.diff .added { color: var(--chakra-colors-green-fg, #166534); }
.ecrp pre.diff .removed { color: var(--chakra-colors-red-fg, #b91c1c); }
.ecrp details.policy { border: 1px solid var(--chakra-colors-border, #d4d4d8); border-radius: .5rem; padding: .5rem .8rem; margin: .5rem 0; }
.ecrp .copy { white-space: nowrap; }
.ecrp ol.story { list-style: none; padding: 0; margin: .5rem 0; border-left: 2px solid var(--chakra-colors-border, #d4d4d8); }
.ecrp ol.story li { padding: .35rem 0 .35rem .8rem; }
.ecrp ol.story .label { font-weight: 700; letter-spacing: .03em; }
.ecrp .label.real { color: var(--chakra-colors-red-fg, #b91c1c); }
.ecrp .label.dry { color: var(--chakra-colors-blue-fg, #1d4ed8); }
.ecrp .asset { container-type: inline-size; }
/* On a phone, Airflow leaves the page of an asset the width of a thumb. */
@container (max-width: 11rem) { .ecrp .roomy { display: none; } .ecrp .asset h2 { font-size: .875rem; } }
.ecrp .note { border: 1px solid var(--chakra-colors-border, #d4d4d8); border-radius: .5rem; padding: .6rem .8rem; margin: .75rem 0; }
`;

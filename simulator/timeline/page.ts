import { heights, type Lane, type Layout, layOut } from './layout.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import type { TimelineBand, TimelineFault, TimelineMessage, TimelineRecorder } from './recorder.ts';

export type PageTitle = {
  readonly heading: string;
  /** Repeats the run. */
  readonly command: string;
  readonly facts: string;
};

/** More messages than this, and only the last ones are drawn. */
const messagesMax = 8000;
/** A kind with more messages than this is hidden until somebody asks for it. */
const shownByDefaultMax = 400;

const messageColours = [
  '#275dad',
  '#c2571a',
  '#1b7f43',
  '#7a3fb0',
  '#b0216f',
  '#0c7c86',
  '#8a6d00',
  '#5a6472',
];
const epochColours = ['#9aa3ad', '#e4572e', '#17917c', '#a05cc0', '#d9a404', '#2f6db5', '#b0216f', '#5b8c2a'];
const roles = [
  'leader',
  'follower',
  'candidate',
  'prospective',
  'unattached',
  'resigned',
  'starting',
  'down',
];
const markSigns = { commit: '◆', request: '▸', answer: '◂' } as const;

/** A run as one HTML page that needs nothing else: lanes, arrows, faults, roles, epochs, and what broke. */
export function timelinePage(recorder: TimelineRecorder, title: PageTitle): string {
  const layout = layOut(recorder);
  const messages = recorder.messages.slice(-messagesMax);
  const kinds = countKinds(messages);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    `<title>${escaped(title.heading)}</title><style>${pageStyle}</style></head><body>`,
    `<h1>${escaped(title.heading)}</h1>`,
    `<div class="facts">${escaped(title.facts)}<br><code>${escaped(title.command)}</code></div>`,
    outcome(recorder),
    controls(kinds),
    legend(),
    '<div class="frame">',
    `<div class="names" style="height:${layout.heightPx}px">${layout.lanes.map(nameOf).join('')}</div>`,
    '<div class="scroller">',
    `<div class="chart" data-end-us="${Math.max(1, recorder.endUs)}" style="height:${layout.heightPx}px">`,
    '<div class="ticks"></div>',
    ...layout.lanes.map((lane) => laneOf(lane, layout, recorder)),
    arrows(messages, layout, [...kinds.keys()]),
    recorder.violation === null ? '' : `<div class="break" title="${escaped(recorder.violation)}">✗</div>`,
    '</div></div></div>',
    `<script>${pageScript}</script></body></html>`,
    '',
  ].join('\n');
}

function outcome(recorder: TimelineRecorder): string {
  if (recorder.violation === null) return '<div class="holds">Every property held.</div>';
  const atS = (recorder.endUs / 1_000_000).toFixed(6);
  return `<div class="violation"><b>Broken at ${atS} s:</b> ${escaped(recorder.violation)}</div>`;
}

function controls(kinds: ReadonlyMap<string, number>): string {
  const boxes = [...kinds].map(([kind, count], at) => {
    const checked = count <= shownByDefaultMax ? ' checked' : '';
    const swatch = `<span class="swatch" style="background:${colourOf(messageColours, at)}"></span>`;
    return `<label><input type="checkbox" data-kind="${kind}"${checked}>${swatch}${kind} (${count})</label>`;
  });
  const zooms = [
    '<button data-whole>whole run</button>',
    '<button data-zoom="4">in</button><button data-zoom="0.25">out</button>',
    ...[1_000_000, 100_000, 10_000].map((us) => `<button data-last-us="${us}">last ${us / 1000} ms</button>`),
  ];
  return `<div class="controls">${zooms.join('')}</div><div class="controls">${boxes.join('')}</div>`;
}

function legend(): string {
  const shown = roles.map((role) => `<span><i class="role-${role}"></i>${role}</span>`);
  const marks = '<span>◆ first called committed</span><span>▸ request</span><span>◂ answer</span>';
  const rest = '<span>thin strip: the epoch</span><span>dashed, red end: never arrived</span>';
  return `<div class="legend">${shown.join('')}${marks}${rest}</div>`;
}

function nameOf(lane: Lane): string {
  return `<b style="top:${lane.index === null ? lane.topPx - 4 : lane.topPx + 6}px">${escaped(lane.name)}</b>`;
}

function laneOf(lane: Lane, layout: Layout, recorder: TimelineRecorder): string {
  const bands = recorder.bands.filter((band) => band.lane === lane.index && band.toUs > band.fromUs);
  const bandsPx = lane.index === null ? 0 : heights.epoch + heights.band;
  const marks = recorder.marks
    .filter((mark) => mark.lane === lane.index)
    .map(({ atUs, kind, text }) => {
      const style = `left:${layout.percent(atUs)}%;top:${lane.topPx - 13}px`;
      return `<div class="mark ${kind}" style="${style}" title="${titleOf(atUs, text)}">${markSigns[kind]}</div>`;
    });
  return [
    ...bands.map((band) => bandOf(band, lane, layout)),
    ...lane.faultRows.flatMap((row, at) =>
      row.map((fault) => faultOf(fault, lane.topPx + bandsPx + 2 + at * heights.faultRow, layout)),
    ),
    ...marks,
  ].join('\n');
}

function bandOf(band: TimelineBand, lane: Lane, layout: Layout): string {
  const { role, epoch, fromUs, toUs } = band;
  const span = spanOf(fromUs, toUs, layout);
  const hasEpoch = role !== 'down' && role !== 'starting';
  const text = hasEpoch ? `${role} ${epoch}` : role;
  const colour = colourOf(epochColours, epoch);
  const strip = `<div class="epoch" style="${span};top:${lane.topPx}px;height:${heights.epoch}px;background:${colour}"></div>`;
  const style = `${span};top:${lane.topPx + heights.epoch}px;height:${heights.band}px`;
  const shown = `<div class="band role-${role}" style="${style}" title="${titleOf(fromUs, text)}"><span>${text}</span></div>`;
  return hasEpoch ? strip + shown : shown;
}

function faultOf({ kind, text, fromUs, toUs }: TimelineFault, topPx: number, layout: Layout): string {
  const style = `${spanOf(fromUs, toUs, layout)};top:${topPx}px;height:${heights.faultRow - 2}px`;
  return `<div class="fault" style="${style}" title="${titleOf(fromUs, text)}"><span>${kind}</span></div>`;
}

/**
 * Lines in a stretched picture: x is a percentage of the run, y a pixel. A round end shows the arrival.
 * They pass behind the lanes between.
 */
function arrows(messages: readonly TimelineMessage[], layout: Layout, kinds: readonly string[]): string {
  const edges = new Map(layout.lanes.map((lane) => [lane.index, lane.edgesPx]));
  const lines = messages.map(({ from, to, sentAtUs, endUs, kind, text, loss }) => {
    const [x1, x2] = [layout.percent(sentAtUs), layout.percent(endUs)];
    const [top1, bottom1] = edges.get(from) ?? [0, 0];
    const [top2, bottom2] = edges.get(to) ?? [0, 0];
    const [y1, y2] = top1 < top2 ? [bottom1, top2] : [top1, bottom2];
    // What never arrived ends on its way.
    const y = loss === null ? y2 : y1 + (y2 - y1) * 0.6;
    const stroke = colourOf(messageColours, kinds.indexOf(kind));
    const lost = loss === null ? '' : 'lost';
    const title = `<title>${titleOf(sentAtUs, `${loss ?? 'arrives'}: ${text}`)}</title>`;
    const path = `<line class="${lost}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y}" stroke="${stroke}"/>`;
    const end = `<line class="end ${lost}" x1="${x2}" y1="${y}" x2="${x2}" y2="${y}" stroke="${stroke}"/>`;
    return `<g class="kind-${kind}">${title}${path}${end}</g>`;
  });
  const box = `viewBox="0 0 100 ${layout.heightPx}" preserveAspectRatio="none"`;
  return `<svg ${box}>${lines.join('\n')}</svg>`;
}

function countKinds(messages: readonly TimelineMessage[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { kind } of messages) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function spanOf(fromUs: number, toUs: number, layout: Layout): string {
  const left = layout.percent(fromUs);
  const width = Math.round((layout.percent(toUs) - left) * 100_000) / 100_000;
  return `left:${left}%;width:${width}%`;
}

function colourOf(colours: readonly string[], at: number): string {
  return colours[at % colours.length] ?? '#000';
}

function titleOf(atUs: number, text: string): string {
  return escaped(`${(atUs / 1_000_000).toFixed(6)} s  ${text}`);
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

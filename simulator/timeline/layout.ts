import type { TimelineFault, TimelineRecorder } from './recorder.ts';

/** Heights in pixels. A lane has a strip of epochs, the band of roles, and rows of faults below it. */
export const heights = { axis: 26, epoch: 5, band: 24, faultRow: 15, gap: 62 } as const;

/** The share of the whole width that a fault's name takes. */
const labelShare = 0.07;

export type Lane = {
  /** Null: faults that hit no single node. */
  readonly index: number | null;
  readonly name: string;
  readonly topPx: number;
  /** Where arrows from above and from below begin and end. */
  readonly edgesPx: readonly [top: number, bottom: number];
  readonly faultRows: readonly (readonly TimelineFault[])[];
};

export type Layout = {
  readonly lanes: readonly Lane[];
  readonly heightPx: number;
  /** Place in time as a percentage of the width. */
  percent(atUs: number): number;
};

/** One lane a node, from top to bottom, with room for the faults that overlap. */
export function layOut(recorder: TimelineRecorder): Layout {
  const endUs = Math.max(1, recorder.endUs);
  const lanes: Lane[] = [];
  let topPx = heights.axis;
  const add = (index: number | null, name: string, bandPx: number): void => {
    const ofLane = recorder.faults.filter((fault) => fault.lane === index);
    const faultRows = stack(ofLane, endUs * labelShare);
    lanes.push({ index, name, topPx, edgesPx: [topPx, topPx + bandPx], faultRows });
    topPx += bandPx + faultRows.length * heights.faultRow + heights.gap;
  };
  if (recorder.faults.some((fault) => fault.lane === null)) add(null, 'everywhere', 0);
  for (const [index, name] of recorder.lanes.entries()) add(index, name, heights.epoch + heights.band);
  return {
    lanes,
    heightPx: topPx - heights.gap + heights.faultRow,
    percent: (atUs) => Math.round((Math.min(atUs, endUs) / endUs) * 10_000_000) / 100_000,
  };
}

/** Faults in as few rows as possible, none above another of its row. Each needs room for its name. */
function stack(faults: readonly TimelineFault[], leastUs: number): readonly (readonly TimelineFault[])[] {
  const endOf = (fault: TimelineFault): number => Math.max(fault.toUs, fault.fromUs + leastUs);
  const rows: TimelineFault[][] = [];
  for (const fault of faults) {
    const row = rows.find((held) => held.every((other) => endOf(other) < fault.fromUs));
    if (row === undefined) rows.push([fault]);
    else row.push(fault);
  }
  return rows;
}

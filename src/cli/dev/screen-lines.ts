import type { Style } from '../output/terminal.ts';
import { line, type Line, type Size, type StyledColumn, tableLines } from '../screen/frame.ts';
import { leaderLine } from '../top/frame.ts';
import type { DevLayout } from './layout.ts';
import { type Member, type Step, urlOf } from './texts.ts';
import type { ClusterView } from './watcher.ts';

export type DevState = {
  /** What the controllers said last; null before that. */
  readonly view: ClusterView | null;
  /** What one can try; empty until everything is up. */
  readonly steps: readonly Step[];
  readonly areStepsShown: boolean;
};

/** What has happened gets at least so many rows, or what one can try is left out. */
const eventRowsMin = 4;

/** The whole screen of `ottla dev`; what has happened stands at the bottom, as much of it as there is room for. */
export function devLines(
  layout: DevLayout,
  members: readonly Member[],
  state: DevState,
  events: readonly string[],
  size: Size,
  clock: string,
): readonly Line[] {
  const rows = members.map((member) => processRow(layout, member, state.view));
  const upper = [
    titleLine(layout, clock, size),
    line(''),
    state.view === null ? line('Starting …', 'dim') : leaderLine(state.view.leader),
    line(''),
    ...tableLines(columns, rows),
    line(''),
  ];
  const steps = state.areStepsShown ? stepLines(state.steps) : [];
  const isRoom = upper.length + steps.length + eventRowsMin <= size.rows;
  const above = [...upper, ...(isRoom ? steps : [])];
  const room = Math.max(0, size.rows - above.length);
  return [...above, ...(room === 0 ? [] : events.slice(-room).map((event) => line(event)))];
}

function titleLine({ dataDir }: DevLayout, clock: string, { columns }: Size): Line {
  const right = `${clock}  h what to try  q stops all `;
  const room = columns - right.length - 2;
  const left = ` ottla dev  ${dataDir}`;
  const shown = left.length > room ? `${left.slice(0, Math.max(0, room - 1))}…` : left;
  return line(`${shown}${' '.repeat(Math.max(2, columns - shown.length - right.length))}${right}`, 'inverse');
}

function stepLines(steps: readonly Step[]): readonly Line[] {
  if (steps.length === 0) return [];
  const body = steps.flatMap(([what, how]) => [line(`${what}:`), line(`  ${how}`, 'bold')]);
  return [line('Things to try, in another terminal', 'dim'), ...body, line('')];
}

type ProcessRow = {
  readonly name: string;
  readonly state: string;
  readonly style: Style | null;
  readonly leads: number | null;
  readonly url: string;
  readonly pid: number;
};

function processRow(layout: DevLayout, member: Member, view: ClusterView | null): ProcessRow {
  const { kind, id, pid } = member;
  const own = { name: `${kind} ${id}`, url: urlOf(layout, member), pid };
  const broker = kind === 'broker' ? view?.brokers?.find((each) => each.id === id) : undefined;
  const leads = broker?.leads ?? null;
  // Whether it is fenced yet is worth more than that its process has ended.
  if (broker !== undefined) {
    const process = member.isRunning ? '' : ', ended';
    if (broker.isFenced) return { ...own, leads, state: `fenced${process}`, style: 'red' };
    if (!member.isRunning) return { ...own, leads, state: 'ended, not fenced yet', style: 'yellow' };
    return broker.isLeaving
      ? { ...own, leads, state: 'leaving', style: 'yellow' }
      : { ...own, leads, state: 'unfenced', style: 'green' };
  }
  if (!member.isRunning) return { ...own, leads, state: 'ended', style: 'red' };
  if (kind === 'broker') return { ...own, leads, state: 'starting', style: null };
  const isLeader = view?.leader?.id === id;
  return { ...own, leads, state: isLeader ? 'leads' : 'runs', style: isLeader ? 'green' : null };
}

const columns: readonly StyledColumn<ProcessRow>[] = [
  { heading: 'PROCESS', cell: (row) => row.name },
  { heading: 'STATE', cell: (row) => row.state, style: (row) => row.style },
  { heading: 'PARTITIONS LED', cell: (row) => row.leads, align: 'right' },
  { heading: 'URL', cell: (row) => row.url },
  { heading: 'PID', cell: (row) => row.pid, align: 'right' },
];

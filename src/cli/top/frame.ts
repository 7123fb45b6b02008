import { duration } from '../output/table.ts';
import type { Style } from '../output/terminal.ts';
import { line, type Line, type Size, sparkline, type StyledColumn, tableLines } from '../screen/frame.ts';
import type { BrokerView, ControllerRow, Sample } from './sample.ts';

/** How many rates of the past are drawn. */
export const ratesMax = 60;

/** What the screen of `ottla top` shows. */
export function topLines(
  sample: Sample,
  rates: readonly number[],
  size: Size,
  clock: string,
): readonly Line[] {
  const { leader, brokers } = sample;
  const lines = [
    titleLine(sample, clock, size),
    line(''),
    leaderLine(leader),
    rateLine(sample, rates, size),
    line(''),
    ...tableLines(controllerColumns, sample.controllers),
    line(''),
    ...brokerLines(brokers),
  ];
  return lines.length <= size.rows
    ? lines
    : [...lines.slice(0, size.rows - 1), line('… more than fits', 'dim')];
}

function titleLine({ clusterId }: Sample, clock: string, { columns }: Size): Line {
  const left = ` ottla top  ${clusterId ?? 'no cluster yet'}`;
  const right = `${clock}  q quits `;
  const gap = Math.max(2, columns - left.length - right.length);
  return line(`${left}${' '.repeat(gap)}${right}`, 'inverse');
}

export function leaderLine(leader: Sample['leader']): Line {
  return leader === null
    ? line('No controller leads.', 'red')
    : line(`Controller ${leader.id} leads, epoch ${leader.epoch}.`, 'green');
}

export function rateLine({ highWatermark }: Sample, rates: readonly number[], { columns }: Size): Line {
  const rate = rates.at(-1);
  const words = rate === undefined ? '' : `, ${rate.toFixed(1)} records a second  `;
  const before = `Committed up to ${highWatermark}${words}`;
  const room = Math.max(0, Math.min(ratesMax, columns - before.length));
  return [{ text: before }, { text: room === 0 ? '' : sparkline(rates.slice(-room)), style: 'green' }];
}

const controllerColumns: readonly StyledColumn<ControllerRow>[] = [
  { heading: 'CONTROLLER', cell: (row) => row.nodeId, align: 'right' },
  { heading: 'ROLE', cell: (row) => row.role, style: roleStyle },
  { heading: 'LAG', cell: (row) => row.lag, align: 'right', style: lagStyle },
  { heading: 'LOG END', cell: (row) => row.logEndOffset, align: 'right' },
  { heading: 'LAST CONTACT', cell: (row) => duration(row.lastContactMs), align: 'right' },
  {
    heading: 'TROUBLE',
    cell: (row) => row.trouble,
    style: ({ trouble }) => (trouble === null ? null : 'red'),
  },
  { heading: 'ENDPOINT', cell: (row) => row.endpoint },
];

function roleStyle({ role }: ControllerRow): Style | null {
  if (role === 'leader') return 'green';
  return role === 'no answer' ? 'red' : null;
}

/** A lag of a few records is what a busy follower has at any moment. */
const ordinaryLagMax = 100;

function lagStyle({ lag }: ControllerRow): Style | null {
  return lag !== null && lag > ordinaryLagMax ? 'yellow' : null;
}

function brokerLines(brokers: Sample['brokers']): readonly Line[] {
  if (brokers === null) return [line('Nobody can say how the brokers are.', 'dim')];
  if (brokers.length === 0) return [line('No broker is registered.', 'dim')];
  return tableLines(brokerColumns, brokers);
}

const brokerColumns: readonly StyledColumn<BrokerView>[] = [
  { heading: 'BROKER', cell: (row) => row.brokerId, align: 'right' },
  { heading: 'STATE', cell: brokerState, style: brokerStyle },
  { heading: 'RACK', cell: (row) => row.rack },
  { heading: 'LEADS', cell: (row) => row.leaderCount, align: 'right' },
  { heading: 'REPLICAS', cell: (row) => row.replicaCount, align: 'right' },
  {
    heading: 'OUT OF SYNC',
    cell: outOfSync,
    align: 'right',
    style: (row) => (outOfSync(row) > 0 ? 'yellow' : null),
  },
];

export function brokerState({
  isFenced,
  inControlledShutdown,
  isHeld,
}: Pick<BrokerView, 'isFenced' | 'inControlledShutdown' | 'isHeld'>): string {
  const state = isFenced ? 'fenced' : inControlledShutdown ? 'leaving' : 'unfenced';
  return isHeld ? `${state}, held` : state;
}

function brokerStyle({ isFenced, inControlledShutdown, isHeld }: BrokerView): Style | null {
  if (isFenced) return 'red';
  return inControlledShutdown || isHeld ? 'yellow' : 'green';
}

function outOfSync({ replicaCount, isrCount }: BrokerView): number {
  return Math.max(0, replicaCount - isrCount);
}

/** One look as one line, for pipes and for terminals that can do no more. */
export function topText(sample: Sample, rate: number | null): string {
  const { leader, brokers, controllers, highWatermark, atMs } = sample;
  const lags = controllers.map((row) => `${row.nodeId ?? '?'}:${row.lag ?? '-'}`).join(',');
  const unfenced = brokers?.filter(({ isFenced }) => !isFenced).length;
  const words = [
    new Date(atMs).toISOString(),
    leader === null ? 'leader=none' : `leader=${leader.id} epoch=${leader.epoch}`,
    `committed=${highWatermark}`,
    `rate=${rate === null ? '-' : rate.toFixed(1)}`,
    `lag=${lags}`,
    brokers === null ? 'unfenced=-' : `unfenced=${unfenced}/${brokers.length}`,
    `outOfSync=${brokers?.reduce((sum, broker) => sum + outOfSync(broker), 0) ?? '-'}`,
  ];
  return `${words.join(' ')}\n`;
}

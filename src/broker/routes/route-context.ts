import { failed, ok, type Result } from '../../base/result.ts';
import type { BrokerNode } from '../broker-node.ts';
import type { Partition } from '../partition.ts';
import type { BrokerProblem } from '../problems.ts';

export type RouteContext = {
  readonly node: () => BrokerNode;
  readonly wallMs: () => number;
  /** The server is about to close: nobody waits any longer. */
  readonly closing: AbortSignal;
  /** Records that were taken in and are not answered for. */
  readonly pending: { bytes: number };
};

/** The fields of a path or a query, as they arrive. */
export type Fields = Readonly<Record<string, unknown>>;

const digits = /^(?:0|[1-9]\d{0,15})$/;

/** A whole number of a query, within its bounds; the failure is one that is sent as it is. */
export function integerOf(
  fields: Fields,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly fallback?: number },
): Result<number, BrokerProblem> {
  const text = fields[name];
  if (text === undefined && bounds.fallback !== undefined) return ok(bounds.fallback);
  const value = typeof text === 'string' && digits.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return ok(value);
  const message = `'${name}' must be a whole number from ${bounds.min} to ${bounds.max}.`;
  return failed({ code: 'INVALID_REQUEST', message });
}

/** The partition that a path names, which this broker leads and holds its lease for; looked at anew at each call. */
export function findLed(node: BrokerNode, fields: Fields): Result<Partition, BrokerProblem> {
  const number = integerOf(fields, 'partition', { min: 0, max: 2 ** 31 - 1 });
  if (!number.ok) return number;
  const topic = String(fields['topic']);
  const row = node.partitionNamed(topic, number.value);
  if (row === null) {
    const message = `There is no partition ${number.value} of a topic '${topic}', as far as this broker knows.`;
    return failed({ code: 'UNKNOWN_TOPIC_OR_PARTITION', message });
  }
  const partition = node.partitions.find(row.topicId, number.value);
  if (partition !== null && partition.isLeading) return ok(partition);
  return failed(notLeading(node, `${topic} ${number.value}`, row));
}

/** Names whoever leads, unless that is this broker, which has lost its lease or has not opened the log yet. */
export function notLeading(
  node: BrokerNode,
  name: string,
  row: { readonly leader: number; readonly leaderEpoch: number },
): BrokerProblem {
  const { leader, leaderEpoch } = row;
  const isOwn = leader === node.id;
  return {
    code: 'NOT_LEADER_OR_FOLLOWER',
    message: isOwn
      ? `Broker ${node.id} may not act as the leader of ${name} at present.`
      : `Broker ${node.id} does not lead ${name}; ${leader < 0 ? 'nobody does' : `broker ${leader} does`}.`,
    leader: leader < 0 ? null : node.addressOf(leader),
    details: { leaderEpoch },
  };
}

/** Resolves once something has changed, the time is over, or the server closes. */
export function untilNews(
  partition: Partition,
  waitMs: number,
  { closing, node }: Pick<RouteContext, 'closing' | 'node'>,
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      forget();
      closing.removeEventListener('abort', end);
      resolve();
    };
    const timer = node().clock.setTimer(waitMs, end);
    const forget = partition.onceNews(end);
    closing.addEventListener('abort', end, { once: true });
  });
}

import { decodeForwardRequest } from '../../../src/runtime/forwarding.ts';
import type { ControllerRequest } from '../../../src/runtime/controller-api.ts';
import type { LogBatch } from '../../../src/raft/batch.ts';
import { batchEndOffset } from '../../../src/raft/batch.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../../observation.ts';
import { recordsIn } from '../../records-in.ts';
import type { HostedBroker } from '../../workload/brokers/brokers.ts';
import type { ExchangeJudge } from '../../workload/operators/exchange.ts';

/** Of a session: a heartbeat that is younger may still wait for its turn behind what the leader was about to do. */
const tooYoung = 0.1;
/** Of a session: the clock of a leader may be so much faster than the world's, and more. */
const tooOld = 0.9;

/**
 * No leader fences a broker that it has heard within the session, acknowledged or not: a fence record is generated
 * only a session after the last heartbeat that arrived at the leader which made it, from the broker itself or passed
 * on by a follower, or after a silence as long as that. That a lease is over where its broker is fenced does not say
 * as much, because a heartbeat that nobody acknowledges renews none.
 *
 * One whose process has ended may be fenced at once: its machine refuses the connections that are made to its port.
 *
 * A broker that has asked to leave or to be fenced is fenced by its own wish, and one that an operator holds is not
 * heard (`src/metadata/resources/broker/heartbeat.ts`). One whose directories have all failed, as it says, holds
 * nothing.
 */
export function fencedOnlyInSilence(
  cluster: ClusterObservation,
  sessionTimeoutMs: number,
  brokers: readonly HostedBroker[],
): Checker & ExchangeJudge {
  /** By who heard whom: when, and how long it had heard nothing before. */
  const arrivals = new Map<string, Arrival[]>();
  /** When each node has begun to lead, and when each registration was made: with both a session begins. */
  const leadingSince = new Map<ObservedNode, number>();
  const registeredAt = new Map<number, number>();
  /** Which incarnation each registration was of. */
  const incarnations = new Map<number, string>();
  /** Epochs of brokers that have asked to leave or to be fenced. */
  const leaving = new Set<number>();
  /** Of brokers that have said that directories failed. */
  const losing = new Set<number>();
  const held = new Set<number>();
  const sessionUs = sessionTimeoutMs * 1000;
  const checker: Checker & ExchangeJudge = {
    name: 'a leader fences in silence alone',
    source: 'design 13: sessions run from the last heartbeat; KAFKA-13959',
    arrived: (request, node) => arrive(request, node),
    answering: () => undefined,
    onDeliver(node, peerMessage) {
      if (peerMessage.channel !== 'forward') return;
      const { message } = peerMessage;
      if (message.type !== 'forwardRequest' || message.operationId !== heartbeat) return;
      const request = decodeForwardRequest(message);
      if (request.ok) arrive(request.value, node);
    },
    onEffects(node, _input, effects) {
      for (const effect of effects) {
        if (effect.type === 'roleChanged' && effect.role === 'leader') {
          leadingSince.set(node, cluster.world.nowUs);
        }
        if (effect.type !== 'appendBatches') continue;
        for (const batch of effect.batches) appended(node, batch);
      }
    },
  };

  function arrive(request: ControllerRequest, node: ObservedNode): void {
    if (request.operationId !== heartbeat || node.view?.role !== 'leader' || isConditional(request)) return;
    const { params, body } = request.input as HeartbeatInput;
    if (body.wantFence === true || body.wantShutDown === true) leaving.add(body.brokerEpoch);
    if (body.offlineLogDirs !== undefined) losing.add(body.brokerEpoch);
    const key = keyOf(node, params.brokerId, body.brokerEpoch);
    const known = arrivals.get(key) ?? [];
    const atUs = cluster.world.nowUs;
    const before = [known.at(-1)?.atUs, leadingSince.get(node), registeredAt.get(body.brokerEpoch)];
    known.push({ atUs, silentUs: atUs - Math.max(...before.map((time) => time ?? 0)) });
    arrivals.set(key, known);
  }

  /** What has a payload was made by the node itself, as the leader. */
  function appended(node: ObservedNode, batch: LogBatch): void {
    if (batch.kind !== 'data' || batch.body.form !== 'payload') return;
    const { baseOffset } = batch;
    const written = { baseOffset, endOffset: batchEndOffset(batch), payload: batch.body.bytes };
    for (const [at, record] of recordsIn(written).entries()) {
      if (record.type === 'RegisterBrokerRecord') {
        registeredAt.set(baseOffset + at, cluster.world.nowUs);
        incarnations.set(baseOffset + at, record.incarnationId);
      }
      if (record.type === 'HoldBrokerRecord') held.add(record.brokerId);
      if (record.type !== 'BrokerRegistrationChangeRecord' || record.fenced !== 1) continue;
      const { brokerId, brokerEpoch } = record;
      if (record.logDirs?.length === 0 && losing.has(brokerEpoch)) continue;
      if (!leaving.has(brokerEpoch) && !held.has(brokerId) && lives(brokerId, brokerEpoch))
        judge(node, record);
    }
  }

  /** Of one whose process has ended its machine says so, and its session need not be over. */
  function lives(brokerId: number, brokerEpoch: number): boolean {
    const hosted = brokers.find((broker) => broker.brokerId === brokerId);
    return hosted === undefined || hosted.life?.incarnationId === incarnations.get(brokerEpoch);
  }

  function judge(node: ObservedNode, { brokerId, brokerEpoch }: BrokerInEpoch): void {
    const { nowUs } = cluster.world;
    const times = arrivals.get(keyOf(node, brokerId, brokerEpoch)) ?? [];
    const at = times.findLastIndex(({ atUs }) => {
      const ageUs = nowUs - atUs;
      return ageUs > tooYoung * sessionUs && ageUs < tooOld * sessionUs;
    });
    const heard = times[at];
    if (heard === undefined || wasSilent(times.slice(0, at + 1))) return;
    const what = `${node.process.name} fences broker ${brokerId} of epoch ${brokerEpoch}`;
    const since = `${Math.trunc((nowUs - heard.atUs) / 1000)} ms after a heartbeat of it arrived there`;
    cluster.fail(checker, `${what} ${since}, and a session is ${sessionTimeoutMs} ms`);
  }
  /** What was decided in a silence is done once the log goes on, and whoever speaks again meanwhile speaks too late. */
  function wasSilent(times: readonly Arrival[]): boolean {
    return times.some(({ silentUs }) => silentUs >= tooOld * sessionUs);
  }
  return checker;
}

const heartbeat = 'heartbeatBroker';

type Arrival = { readonly atUs: number; readonly silentUs: number };

type HeartbeatInput = {
  readonly params: { readonly brokerId: number };
  readonly body: {
    readonly brokerEpoch: number;
    readonly wantFence?: boolean;
    readonly wantShutDown?: boolean;
    readonly offlineLogDirs?: readonly string[];
  };
};

type BrokerInEpoch = { readonly brokerId: number; readonly brokerEpoch: number };

/** One life of a node hears one registration of a broker. */
function keyOf({ process }: ObservedNode, brokerId: number, brokerEpoch: number): string {
  return `${process.index} ${process.generation} ${brokerId} ${brokerEpoch}`;
}

/** What may be refused for another reason than the broker's registration is no word of the broker. */
function isConditional(request: ControllerRequest): boolean {
  const { idempotencyKey, bareIdempotencyKey, ifMatch, tokenId, validateOnly } = request;
  const isKeyed = idempotencyKey !== null || (bareIdempotencyKey ?? null) !== null;
  return isKeyed || ifMatch !== null || (tokenId ?? null) !== null || validateOnly === true;
}

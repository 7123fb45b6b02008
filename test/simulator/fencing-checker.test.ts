import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { encodeRecords } from '../../src/codec/record-value.ts';
import { builtInRegistry, type MetadataRecord } from '../../src/metadata/registry.ts';
import type { PeerMessage } from '../../src/ports/transport.ts';
import type { Effect, RoleName } from '../../src/raft/effects.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import type { SimulatedNode } from '../../simulator/cluster.ts';
import { fencedOnlyInSilence } from '../../simulator/invariants/replicas/fenced-only-in-silence.ts';
import { roleView, Scene } from './checker-scene.ts';

const sessionTimeoutMs = 1000;
const common = { consistency: 'linearizable', minOffset: null, ifMatch: null, tokenId: null } as const;
const wake = { type: 'wake', nowMs: 1, stalledMs: 0 } as const;

/** Broker 7 of epoch 12, and two controllers that may hear it. */
class Fencing {
  readonly #scene = new Scene();
  readonly #checker = fencedOnlyInSilence(this.#scene.cluster, sessionTimeoutMs, []);
  readonly #nodes = [this.#node(1, 'leader'), this.#node(2, 'follower')] as const;

  at(ms: number): this {
    this.#scene.world.runUntil(ms * 1000);
    return this;
  }

  heard(by: 1 | 2, { brokerEpoch = 12, body = {}, ifMatch = null as number | null } = {}): this {
    const request = { ...inputOf(brokerEpoch, body), ...common, idempotencyKey: null, ifMatch };
    this.#checker.arrived(
      { ...request, operationId: 'heartbeatBroker' } as ControllerRequest,
      this.#nodeOf(by) as SimulatedNode,
    );
    return this;
  }

  passedOnTo(by: 1 | 2): this {
    const rest = { ...common, atOffset: null, bareIdempotencyKey: null, validateOnly: false };
    const input = new TextEncoder().encode(JSON.stringify({ ...inputOf(12, {}), ...rest }));
    const message: PeerMessage = {
      channel: 'forward',
      message: {
        type: 'forwardRequest',
        requestId: 1,
        operationId: 'heartbeatBroker',
        input,
        idempotencyKey: null,
        principal: 'broker-7',
        deadlineMs: 100,
      },
    };
    this.#checker.onDeliver?.(this.#nodeOf(by), message);
    return this;
  }

  /** What the checker says of a batch with `records` that the first controller makes. */
  makes(...records: readonly MetadataRecord[]): string | null {
    const effect: Effect = {
      type: 'appendBatches',
      ioId: 1,
      batches: [
        {
          kind: 'data',
          baseOffset: offset(20),
          epoch: epoch(3),
          recordCount: records.length,
          appendTimestampMs: 0,
          sizeInBytes: 1,
          body: { form: 'payload', bytes: encodeRecords(builtInRegistry, records) },
        },
      ],
    };
    return this.#scene.verdict(() => this.#checker.onEffects?.(this.#nodeOf(1), wake, [effect]));
  }

  #node(id: number, role: RoleName) {
    return { ...this.#scene.node(id), view: roleView(role, 3, { leaderId: nodeId(1) }) };
  }

  #nodeOf(id: 1 | 2) {
    return this.#nodes[id - 1] ?? this.#nodes[0];
  }
}

function inputOf(brokerEpoch: number, body: object) {
  return {
    input: { params: { brokerId: 7 }, query: {}, body: { brokerEpoch, metadataOffset: 13, ...body } },
  };
}

const fence: MetadataRecord = {
  type: 'BrokerRegistrationChangeRecord',
  brokerId: 7,
  brokerEpoch: 12,
  fenced: 1,
  inControlledShutdown: 0,
  logDirs: null,
};
const hold: MetadataRecord = { type: 'HoldBrokerRecord', brokerId: 7, isHeld: true };

describe('the checker of silence', () => {
  it('lets a leader fence a broker that it has not heard for a session', () => {
    expect(new Fencing().at(500).heard(1).at(1500).makes(fence)).toBeNull();
    expect(new Fencing().at(500).makes(fence)).toBeNull();
  });

  it('takes a fence within a session of a heartbeat that arrived for a violation', () => {
    expect(new Fencing().at(500).heard(1).at(1100).makes(fence)).toMatch('600 ms after a heartbeat');
  });

  it('counts a heartbeat that a follower passed on, once it arrives at the leader', () => {
    expect(new Fencing().at(500).heard(2).at(1100).makes(fence)).toBeNull();
    expect(new Fencing().at(500).passedOnTo(1).at(1100).makes(fence)).toMatch('a leader fences in silence');
  });

  it('lets a heartbeat wait that arrived as the leader was about to fence', () => {
    expect(new Fencing().at(500).heard(1).at(550).makes(fence)).toBeNull();
  });

  it('lets a broker be fenced that has asked for it, and one that an operator has held', () => {
    const leaves = new Fencing()
      .at(500)
      .heard(1, { body: { wantShutDown: true } })
      .at(900);
    expect(leaves.makes(fence)).toBeNull();
    const isHeld = new Fencing().at(500).heard(1).at(900);
    expect(isHeld.makes(hold)).toBeNull();
    expect(isHeld.makes(fence)).toBeNull();
  });

  it('counts no heartbeat that a controller refuses: of another epoch, or on a condition', () => {
    expect(new Fencing().at(500).heard(1, { brokerEpoch: 11 }).at(900).makes(fence)).toBeNull();
    expect(new Fencing().at(500).heard(1, { ifMatch: 3 }).at(900).makes(fence)).toBeNull();
  });
});

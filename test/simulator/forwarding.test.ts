import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { ForwardMessage, Transport } from '../../src/ports/transport.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import { encodeForwardResponse, Forwarder } from '../../src/runtime/forwarding.ts';
import { SimulatedProcess } from '../../src/testing/world/process.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';

const leader = nodeId(2);

const request: ControllerRequest = {
  requestId: 1,
  operationId: 'registerBroker',
  input: { params: {}, query: {}, body: {} },
  principal: 'tester',
  idempotencyKey: null,
  consistency: 'linearizable',
  minOffset: null,
  ifMatch: null,
  timeoutMs: 1000,
};

/** One life of a follower: what it has passed on, and how its one request was settled. */
class Life {
  readonly sent: ForwardMessage[] = [];
  readonly settled: string[] = [];
  readonly forwarder: Forwarder;

  constructor(seed: number) {
    const process = new SimulatedProcess(0, 'node', new Scheduler(), { driftPpm: 0, wallOffsetMs: 0 });
    const transport: Transport = {
      send: (_to, message) => {
        if (message.channel === 'forward') this.sent.push(message.message);
      },
      setEndpoints: () => undefined,
      close: () => undefined,
    };
    this.forwarder = new Forwarder(transport, process.clock(), seededRandom(seed));
    this.forwarder.forward(leader, request, true, (outcome) => {
      this.settled.push(outcome.ok ? 'answered' : outcome.code);
    });
  }

  get requestId(): number {
    return this.sent[0]?.requestId ?? -1;
  }
}

function answerTo(requestId: number): Extract<ForwardMessage, { type: 'forwardResponse' }> {
  return encodeForwardResponse(requestId, {
    requestId: 1,
    offset: offset(35),
    epoch: epoch(13),
    leaderId: leader,
    forwarded: false,
    result: { ok: true, response: {} },
  });
}

// Seed 5300 of the whole node: a follower passed on a read, crashed and started again, and passed on a
// write. The leader's late answer to the read had the write's number, and the client was told that its
// write had succeeded, which was never executed.
describe('a follower that has restarted', () => {
  it('does not take the answer to a request of its earlier process for one to its own', () => {
    for (let seed = 0; seed < 100; seed++) {
      const earlier = new Life(2 * seed);
      const present = new Life(2 * seed + 1);
      present.forwarder.received(leader, answerTo(earlier.requestId));
      expect(present.settled).toEqual([]);
      present.forwarder.received(leader, answerTo(present.requestId));
      expect(present.settled).toEqual(['answered']);
    }
  });
});

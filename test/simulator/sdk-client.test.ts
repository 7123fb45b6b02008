import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import type { ControllerAnswer, ControllerRequest } from '../../src/runtime/controller-api.ts';
import { Ledger } from '../../simulator/workload/ledger.ts';
import { CallLedger } from '../../simulator/workload/operators/call-ledger.ts';
import type { PlannedCall } from '../../simulator/workload/operators/planned-call.ts';
import { SdkClient } from '../../simulator/workload/operators/sdk-client.ts';
import { World } from '../../simulator/world.ts';

const registration: PlannedCall = {
  atUs: 0,
  client: 0,
  operationId: 'registerBroker',
  params: {},
  body: { brokerId: 500 },
  isWrite: true,
  keyed: true,
  consistency: 'linearizable',
  isAfterOwn: false,
};

function success(requestId: number, response: unknown): ControllerAnswer {
  const from = { epoch: epoch(1), leaderId: nodeId(1), forwarded: false };
  return { requestId, offset: offset(9), ...from, result: { ok: true, response } };
}

// Seed 1676085358 of the whole node: a client that did not know its cluster yet asked to be registered, got no
// answer, and asked again under the same key, with the cluster's id in the body by then. It was told that its key
// was taken, and the run that its call had no effect, which the first attempt had had.
describe('a simulated client that tries again', () => {
  it('asks for the very same thing under the same key, whatever it has learnt meanwhile', () => {
    const world = new World({ seed: 1 });
    const process = world.addProcess('client', { driftPpm: 0, wallOffsetMs: 0 });
    process.begin();
    const calls = new CallLedger();
    const asked: ControllerRequest[] = [];
    const client = new SdkClient({
      index: 0,
      process,
      seed: 1,
      calls,
      ledger: new Ledger(),
      clusterId: () => (asked.length === 0 ? null : 'BBBBBBBBBBBBBBBBBBBBBA'),
      exchanges: {
        nodeCount: 3,
        send: (_from, _index, request, complete) => {
          const { requestId, operationId } = request;
          if (operationId === 'openSession') {
            complete({ type: 'answer', answer: success(requestId, { sessionId: 5 }) });
            return;
          }
          asked.push(request);
          if (asked.length === 1) complete({ type: 'lost' });
          else complete({ type: 'answer', answer: success(requestId, { brokerId: 500, brokerEpoch: 8 }) });
        },
      },
    });
    client.begin(registration);
    world.runUntil(2_000_000);
    const [first, second] = asked;
    expect(asked.length).toBe(2);
    expect(second?.idempotencyKey).toEqual(first?.idempotencyKey);
    expect(second?.input).toEqual(first?.input);
    expect(calls.counts.answered).toBe(2);
  });
});

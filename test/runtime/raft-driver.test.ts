import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset } from '../../src/base/brands.ts';
import { failed, ok } from '../../src/base/result.ts';
import { zeroUuid } from '../../src/base/uuid.ts';
import type { LogBatch } from '../../src/raft/batch.ts';
import type { RaftCore } from '../../src/raft/core.ts';
import type { Effect } from '../../src/raft/effects.ts';
import type { Input } from '../../src/raft/inputs.ts';
import type { FetchResponse } from '../../src/raft/messages.ts';
import type { LogReadError, RaftLog } from '../../src/runtime/log/raft-log.ts';
import { type DriverHandlers, RaftDriver } from '../../src/runtime/raft-driver.ts';
import { VirtualProcess } from './support/clock.ts';

/** A driver over a core that does as it is told. */
class DriverHost extends VirtualProcess {
  readonly inputs: Input[] = [];
  readonly sent: string[] = [];
  readonly appended: LogBatch[] = [];
  readonly failures: string[] = [];
  next: readonly Effect[] = [];
  readError: LogReadError | null = null;
  readonly driver: RaftDriver;

  constructor() {
    super();
    const step = (input: Input): ReturnType<RaftCore['step']> => {
      this.inputs.push(input);
      const effects = this.next;
      this.next = [];
      return { effects, nextWakeAtMs: Number.POSITIVE_INFINITY };
    };
    const log: Partial<RaftLog> = {
      endOffset: offset(0),
      append: (_ioId, batches) => void this.appended.push(...batches),
      truncate: () => {},
      read: (_from, _to, _maxBytes, complete) =>
        complete(this.readError === null ? ok([]) : failed(this.readError)),
    };
    const handlers: Partial<DriverHandlers> = { failed: (reason) => this.failures.push(reason) };
    this.driver = new RaftDriver({
      core: { step } as unknown as RaftCore,
      log: log as RaftLog,
      persistQuorumState: () => {},
      transport: {
        send: (to, message) => {
          const type = message.channel === 'raft' ? message.message.type : message.channel;
          this.sent.push(`${to} ${type}`);
        },
        setEndpoints: () => {},
        close: (complete) => complete(),
      },
      clock: this.clock,
      kraftVersions: { min: 0, max: 1 },
      handlers: handlers as DriverHandlers,
    });
  }

  /** One step, whose effects are these. */
  step(...effects: readonly Effect[]): void {
    this.next = effects;
    this.driver.push({ type: 'wake', stalledMs: 0 });
  }
}

const state = { epoch: epoch(1), leaderId: null, voted: null, recovering: false };
const persist = (ioId: number): Effect => ({ type: 'persistQuorumState', ioId, state });

function message(to: number, after?: number): Effect {
  const begin = {
    type: 'beginQuorumEpochResponse',
    clusterId: zeroUuid,
    epoch: epoch(1),
    leaderId: null,
  } as const;
  const send = { type: 'sendMessage', to: nodeId(to), message: begin } as const;
  return after === undefined ? send : { ...send, after };
}

function control(baseOffset: number, appendTimestampMs: number, kraftVersion = 1): LogBatch {
  return {
    kind: 'control',
    baseOffset: offset(baseOffset),
    epoch: epoch(1),
    recordCount: 1,
    appendTimestampMs,
    sizeInBytes: 0,
    records: [{ type: 'KRaftVersion', kraftVersion }],
    body: { form: 'none' },
  };
}

const append = (ioId: number, ...batches: readonly LogBatch[]): Effect => ({
  type: 'appendBatches',
  ioId,
  batches,
});

function fetched(batches: readonly LogBatch[]): FetchResponse & { outcome: { kind: 'records' } } {
  return {
    type: 'fetchResponse',
    clusterId: zeroUuid,
    epoch: epoch(1),
    leaderId: nodeId(0),
    fetchId: 1,
    outcome: {
      kind: 'records',
      fetchOffset: offset(0),
      highWatermark: offset(0),
      logStartOffset: offset(0),
      logEndOffset: offset(0),
      epochStartOffset: offset(0),
      round: 1,
      batches,
    },
  };
}

describe('the driver of the core', () => {
  it('stops before it takes a record of a protocol that it does not understand, and names it', () => {
    const host = new DriverHost();
    host.driver.push({ type: 'messageReceived', from: nodeId(2), message: fetched([control(0, 0, 2)]) });
    expect(host.inputs.map(({ type }) => type)).toEqual(['wake']);
    expect(host.failures).toEqual([
      'the log has, at offset 0, kraft.version 2, and this node supports 0 to 1',
    ]);
  });

  it('sends nothing before that on which it rests is on disk, and everything else at once', () => {
    const host = new DriverHost();
    host.step(persist(1), append(2, control(0, 0)), message(1, 1), message(2));
    expect(host.sent).toEqual(['2 beginQuorumEpochResponse']);
    // A flush of the log says nothing of the quorum state.
    host.driver.logFlushed(2);
    expect(host.sent).toHaveLength(1);
    host.driver.quorumStatePersisted(1);
    expect(host.sent).toEqual(['2 beginQuorumEpochResponse', '1 beginQuorumEpochResponse']);
    expect(host.inputs.map(({ type }) => type)).toEqual(['wake', 'logFlushed', 'quorumStatePersisted']);
  });

  it('takes the completion of a later quorum state for that of the earlier ones, and never the reverse', () => {
    const host = new DriverHost();
    host.step(persist(1), message(1, 1));
    host.step(persist(2), message(2, 2));
    host.step(persist(3), message(3, 3));
    host.driver.quorumStatePersisted(2);
    expect(host.sent.map((text) => text[0])).toEqual(['1', '2']);
    host.driver.quorumStatePersisted(3);
    expect(host.sent.map((text) => text[0])).toEqual(['1', '2', '3']);
  });

  it('stamps the core’s own records by the calendar, which never goes back in the log', () => {
    const host = new DriverHost();
    host.step(append(1, control(0, 0)));
    host.process.clockFaults.wallOffsetMs = -3_600_000;
    host.step(append(2, control(1, 0)));
    const [first, second] = host.appended.map((batch) => batch.appendTimestampMs);
    expect(first).toBe(host.clock.wallMs() + 3_600_000);
    expect(second).toBe(first);
    expect(host.driver.lastTimestampMs).toBe(first);
  });

  it('drops an answer whose records were cut meanwhile, and stops at a damaged log', () => {
    const host = new DriverHost();
    const range: Effect = {
      type: 'sendLogRange',
      to: nodeId(1),
      response: fetched([]),
      endOffset: offset(5),
      epoch: epoch(1),
      maxBytes: 100,
    };
    for (const code of ['CANCELLED', 'BELOW_LOG_START'] as const) {
      host.readError = { code, message: 'gone' };
      host.step(range);
    }
    expect([host.sent, host.failures]).toEqual([[], []]);
    host.readError = { code: 'CORRUPT', message: 'bad bytes' };
    host.step(range);
    expect(host.failures[0]).toContain('bad bytes');
    host.readError = null;
    host.step(range);
    expect(host.sent).toEqual(['1 fetchResponse']);
  });
});

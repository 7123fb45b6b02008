import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { assertDefined } from '../../src/base/assert.ts';
import { nodeId, type Offset } from '../../src/base/brands.ts';
import { compareStrings } from '../../src/base/compare.ts';
import type { ControllerAnswer, LogSlice } from '../../src/runtime/controller-api.ts';
import type { ControllerSettings } from '../../src/runtime/node-options.ts';
import { defaultSettings } from '../../src/runtime/node-options.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import { reservePorts } from '../../bench/processes/ports.ts';
import { RealNode } from './real-node.ts';

/** The least segment there can be, so that a short log has several, and elections that are soon held. */
export const quickSettings: ControllerSettings = {
  ...defaultSettings,
  raft: {
    ...defaultSettings.raft,
    electionTimeoutMs: 100,
    electionBackoffMaxMs: 100,
    fetchTimeoutMs: 300,
    requestTimeoutMs: 300,
    retryBackoffMs: 5,
  },
  segmentBytes: 4_096,
  diskReserveBytesMin: 1_048_576,
};

/** A quorum of three controllers within this process, each in its own folder of `folder`. */
export class Trio {
  readonly nodes: readonly RealNode[];
  readonly #release: () => void;
  #requestId = 0;

  private constructor(nodes: readonly RealNode[], release: () => void) {
    this.nodes = nodes;
    this.#release = release;
  }

  static async prepare(folder: string, settings: ControllerSettings = quickSettings): Promise<Trio> {
    const reserved = await reservePorts(3);
    const voters = reserved.ports.map((port, index) => ({
      id: nodeId(index),
      endpoint: { host: '127.0.0.1', port },
    }));
    const nodes = voters.map(
      ({ id }) => new RealNode({ id, directory: join(folder, `node-${id}`), voters, settings }),
    );
    for (const { directory } of nodes) mkdirSync(directory, { recursive: true });
    return new Trio(nodes, () => reserved.release());
  }

  node(index: number): RealNode {
    return assertDefined(this.nodes[index], `there is no node ${index}`);
  }

  get running(): readonly RealNode[] {
    return this.nodes.filter(({ isRunning }) => isRunning);
  }

  async killAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  async close(): Promise<void> {
    await this.killAll();
    this.#release();
  }

  async until<Found>(what: string, probe: () => Found | NotYet): Promise<Found> {
    return await waitFor(what, probe, { pollMs: 20, describe: () => this.describe() });
  }

  async leader(): Promise<RealNode> {
    return await this.until(
      'one leads',
      () => this.running.find((node) => node.status().active) ?? new NotYet('nobody'),
    );
  }

  /** Every node that runs has applied everything below `end`. */
  async applied(end: Offset): Promise<void> {
    await this.until(`all have applied everything below ${end}`, () => {
      const behind = this.running.filter((node) => node.status().appliedOffset < end);
      return behind.length === 0 ? true : new NotYet(`${behind.length} have not`);
    });
  }

  /** Registers a broker and gives the offset up to which the log is acknowledged by that. */
  async register(brokerId: number): Promise<Offset> {
    for (;;) {
      const leader = await this.leader();
      const answer = await this.#submit(leader, 'registerBroker', {
        brokerId,
        clusterId: leader.status().clusterId,
        incarnationId: `${String(brokerId).padStart(21, 'A')}A`,
        listeners: [{ name: 'PLAINTEXT', host: `broker${brokerId}`, port: 9092 }],
        features: supportedFeatures,
      });
      if (answer.result.ok) return answer.offset;
      if (answer.result.retryAfterMs === null) throw new Error(JSON.stringify(answer.result));
    }
  }

  describe(): string {
    return this.nodes.map((node) => node.describe()).join('\n');
  }

  async #submit(node: RealNode, operationId: string, body: unknown): Promise<ControllerAnswer> {
    const request = {
      requestId: ++this.#requestId,
      operationId,
      input: { params: {}, query: {}, body },
      principal: 'tester',
      idempotencyKey: null,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs: 5_000,
    } as const;
    return await new Promise((resolve) => node.node.submit([request], resolve));
  }
}

/** The committed records of a node's log below `end`, and from where its log begins; each as text. */
export async function recordsOf(node: RealNode, end: Offset): Promise<ReadonlyMap<number, string>> {
  const records = new Map<number, string>();
  let from = node.status().logStartOffset;
  while (from < end) {
    const slice = await sliceOf(node, from);
    if (slice === null) {
      // Meanwhile the log was cut off further on, behind a newer checkpoint.
      records.clear();
      from = node.status().logStartOffset;
      continue;
    }
    const found = slice.batches.flatMap(({ epoch, records: held }) =>
      held.map((record) => ({ at: record.offset, text: `${epoch} ${JSON.stringify(record)}` })),
    );
    for (const { at, text } of found) if (at < end) records.set(at, text);
    from = slice.nextOffset;
  }
  return records;
}

async function sliceOf(node: RealNode, from: Offset): Promise<LogSlice | null> {
  return await new Promise((resolve, reject) => {
    node.node.readLog?.({ from, maxRecords: 1_000 }, (slice) => {
      if (slice.ok) resolve(slice.value);
      else if (slice.error.code === 'OFFSET_OUT_OF_RANGE') resolve(null);
      else reject(new Error(`node ${node.id} at ${from}: ${slice.error.message}`));
    });
  });
}

/** Every broker that a node knows of, with the offset of its registration. */
export function brokersOf(node: RealNode): readonly string[] {
  const image = node.node.image();
  if (image === null) return [];
  // A row that was loaded and one that was replayed do not name their fields in the same order.
  const textOf = (row: object): string =>
    JSON.stringify(Object.entries(row).toSorted(([left], [right]) => compareStrings(left, right)));
  return [...image.broker.brokers.values()].map(textOf);
}

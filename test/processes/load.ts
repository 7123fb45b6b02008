import { supportedFeatures } from '../../src/metadata/resources/feature/supported.ts';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { field, Http } from '../../bench/processes/http.ts';
import type { Quorum } from '../../bench/processes/quorum.ts';
import { brokerKey, countWrites, registrationsOn, topicsOn } from './api.ts';
import {
  compare,
  compareWithLog,
  type Comparison,
  formatComparison,
  Ledger,
  type LedgerEntry,
  type LedgerOperation,
} from './ledger.ts';
import { LedgerClient, type WriteOutcome, type WriteRequest } from './ledger-client.ts';

export type LoadOptions = {
  /** Clients that write under session keys and repeat until they know. */
  readonly keyedClients?: number;
  /** Clients that send each write once. */
  readonly bareClients?: number;
  readonly clusterId: string;
};

/** Brokers that a client registers have ids from here on; no process stands behind them. */
const firstRegisteredId = 10_000;
const idsPerClient = 1_000;

/** Between two rounds of a client: the processes under test are to have most of a small machine. */
const thinkingMs = 20;

/** Concurrent clients that write until they are told to stop, and what they know of it. */
export class Load {
  readonly ledger = new Ledger();
  readonly #http = new Http();
  readonly #quorum: Quorum;
  readonly #clusterId: string;
  readonly #running: Promise<void>[];
  #isStopping = false;

  constructor(quorum: Quorum, options: LoadOptions) {
    const { keyedClients = 6, bareClients = 2 } = options;
    this.#quorum = quorum;
    this.#clusterId = options.clusterId;
    this.#running = Array.from({ length: keyedClients + bareClients }, (_, number) =>
      this.#runClient(number, number < keyedClients),
    );
  }

  /** Lets every client finish what it has begun. Rejects when one of them met what it must not meet. */
  async stop(): Promise<Ledger> {
    this.#isStopping = true;
    try {
      await Promise.all(this.#running);
    } finally {
      await this.#http.close();
    }
    return this.ledger;
  }

  async #runClient(number: number, keyed: boolean): Promise<void> {
    const client = new LedgerClient({ http: this.#http, origins: this.#quorum.origins, keyed });
    for (let round = 0; !this.#isStopping; round++) {
      await pause(thinkingMs);
      const name = `load-${number}-${round}`;
      const isCreated = await this.#createTopic(client, name, 1 + (round % 3));
      if (isCreated && round % 3 === 1) {
        const isDeleted = await this.#deleteTopic(client, name);
        if (isDeleted && round % 2 === 1) await this.#createTopic(client, name, 4);
      }
      if (round % 5 === 2 && round / 5 < idsPerClient)
        await this.#register(client, firstRegisteredId + number * idsPerClient + Math.floor(round / 5));
    }
  }

  async #createTopic(client: LedgerClient, name: string, partitions: number): Promise<boolean> {
    const request = {
      method: 'POST',
      path: '/v1/topics',
      body: { name, partitions, replicationFactor: 1 },
    } as const;
    return await this.#write(client, request, {
      operation: 'create topic',
      key: name,
      value: String(partitions),
      identityOf: (body) => String(field(body, 'topicId')),
    });
  }

  async #deleteTopic(client: LedgerClient, name: string): Promise<boolean> {
    const request = { method: 'DELETE', path: `/v1/topics/${name}` } as const;
    return await this.#write(client, request, {
      operation: 'delete topic',
      key: name,
      value: '',
      identityOf: () => null,
    });
  }

  async #register(client: LedgerClient, brokerId: number): Promise<boolean> {
    const incarnationId = uuidText();
    const body = {
      brokerId,
      clusterId: this.#clusterId,
      incarnationId,
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9_092 }],
      features: supportedFeatures,
    };
    const request = { method: 'POST', path: '/v1/brokers', body } as const;
    return await this.#write(client, request, {
      operation: 'register broker',
      key: brokerKey(brokerId),
      value: incarnationId,
      identityOf: (answer) => String(field(answer, 'brokerEpoch')),
    });
  }

  /** True when it was acknowledged, so that the same key may be written on. */
  async #write(client: LedgerClient, request: WriteRequest, plan: WritePlan): Promise<boolean> {
    const outcome = await client.write(request);
    this.ledger.add(toEntry(plan, outcome));
    return outcome.type === 'acknowledged';
  }
}

type WritePlan = {
  readonly operation: LedgerOperation;
  readonly key: string;
  readonly value: string;
  readonly identityOf: (body: unknown) => string | null;
};

function toEntry({ operation, key, value, identityOf }: WritePlan, outcome: WriteOutcome): LedgerEntry {
  const isAcknowledged = outcome.type === 'acknowledged';
  const reason = outcome.type === 'refused' ? `${outcome.code}: ${outcome.detail}` : null;
  return {
    operation,
    key,
    value,
    outcome: outcome.type,
    offset: isAcknowledged ? outcome.offset : null,
    identity: isAcknowledged ? identityOf(outcome.body) : null,
    reason: outcome.type === 'unknown' || outcome.type === 'not done' ? outcome.reason : reason,
  };
}

/** 16 random bytes as 22 characters of base64url. */
export function uuidText(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
}

/** The cluster's id, by the first node that knows it. */
export async function clusterIdOf(quorum: Quorum): Promise<string> {
  const views = await quorum.views();
  const clusterId = views.map((view) => view?.clusterId).find((id) => typeof id === 'string');
  if (clusterId === undefined || clusterId === null) throw new Error('no node knows the cluster’s id');
  return clusterId;
}

/**
 * Compares the ledger with the state of every node, each asked for its own, and with one node's whole log.
 * Fails unless nothing is missing and nothing duplicated; gives the line that says so.
 */
export async function expectNothingLost(quorum: Quorum, ledger: Ledger): Promise<string> {
  const running = quorum.controllers.filter(({ isRunning }) => isRunning);
  expect(running.length).toBe(quorum.controllers.length);
  const comparisons: Comparison[] = [];
  for (const controller of running) {
    const topics = await topicsOn(controller, ledger.offset);
    const brokers = await registrationsOn(controller, ledger.offset);
    comparisons.push(compare(ledger, [...topics, ...brokers], `controller ${controller.id}`));
  }
  const [first] = comparisons;
  if (first === undefined) throw new Error('there is no node to compare with');
  expect(comparisons.flatMap(({ missing }) => missing)).toEqual([]);
  expect(comparisons.flatMap(({ duplicated }) => duplicated)).toEqual([]);
  const [anyone] = running;
  if (anyone !== undefined) expect(compareWithLog(ledger, await countWrites(anyone))).toEqual([]);
  const refused = ledger.entries.filter(({ outcome }) => outcome === 'refused');
  expect(refused.map(({ key, reason }) => `${key}: ${reason ?? ''}`)).toEqual([]);
  expect(first.acknowledged).toBeGreaterThan(0);
  return formatComparison(first);
}

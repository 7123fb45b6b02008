import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { problemOf } from '../../../src/broker/problems.ts';
import { PartitionLeaders } from '../../../src/cli/data/partition-leaders.ts';
import type { Client } from '../../../src/client/create-client.ts';
import { OttlaError } from '../../../src/client/errors.ts';

const unknownTopic = problemOf({
  code: 'UNKNOWN_TOPIC_OR_PARTITION',
  message: 'There is no partition 0 of a topic ‘orders’, as far as this broker knows.',
});
const asked = { operationId: 'produce', partition: 0, method: 'POST', path: '/records', body: {} } as const;

/** A broker that answers so often that it knows no such topic, and counts what it is asked. */
async function startLaggingBroker(lagsFor: number): Promise<{ readonly port: number; asks: number }> {
  const broker = { port: 0, asks: 0 };
  const server = createServer((_, response) => {
    broker.asks += 1;
    const answer = broker.asks <= lagsFor ? unknownTopic : { baseOffset: 0 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  // A server that listens on a port has an address with one.
  broker.port = (server.address() as AddressInfo).port;
  return broker;
}

/** The leaders of a topic that the controllers know, of which broker 1 leads all. */
function leadersAt(port: number, describePartition: () => Promise<{ leader: number }>, timeoutMs: number) {
  const describeBroker = () => Promise.resolve({ listeners: [{ host: '127.0.0.1', port }] });
  // Of the client no more is asked.
  const client = { describePartition, describeBroker } as unknown as Client;
  const leaders = new PartitionLeaders(client, 'orders', timeoutMs);
  onTestFinished(() => leaders.close());
  return leaders;
}

describe('the leaders of a topic that was created a moment ago', () => {
  const isLed = () => Promise.resolve({ leader: 1 });

  it('are asked again where their metadata do not name it yet', async () => {
    const broker = await startLaggingBroker(3);
    const answer = await leadersAt(broker.port, isLed, 60_000).ask(asked);
    expect(answer).toEqual({ baseOffset: 0 });
    expect(broker.asks).toBe(4);
  });

  it('are not asked for ever', async () => {
    const broker = await startLaggingBroker(Number.POSITIVE_INFINITY);
    const failing = leadersAt(broker.port, isLed, 1).ask(asked);
    await expect(failing).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('are not asked again where the controllers say that it is gone', async () => {
    const broker = await startLaggingBroker(Number.POSITIVE_INFINITY);
    let looks = 0;
    const describePartition = () =>
      ++looks === 1 ? isLed() : Promise.reject(new OttlaError('describePartition', unknownTopic));
    const failing = leadersAt(broker.port, describePartition, 60_000).ask(asked);
    await expect(failing).rejects.toThrow(/^describePartition/);
    expect(broker.asks).toBe(1);
  });
});

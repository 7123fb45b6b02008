import { inspect } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createBroker, createClient, makeToken } from '../../src/client/index.ts';
import { serveImage } from '../http/serve-image.ts';

it('no event, no error and no object of the SDK shows the token that it was given', async () => {
  const { url } = await serveImage({ authentication: { certificateRoles: [] } });
  const { token } = makeToken();
  const shown: unknown[] = [];
  // One that is refused, and one that nobody hears.
  for (const endpoint of [url, 'http://127.0.0.1:1']) {
    const client = createClient({ endpoints: [endpoint], token, timeoutMs: 200 });
    onTestFinished(() => client.close());
    shown.push(client, await client.outcome('listTopics', {}), await client.outcome('openSession', {}));
    const read = async (): Promise<void> => {
      for await (const event of client.watch({ signal: AbortSignal.timeout(200) })) shown.push(event);
    };
    await read().catch((error: unknown) => shown.push(error));
    const broker = createBroker({
      controllers: [endpoint],
      id: 7,
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }],
      token,
    });
    const before = shown.length;
    broker.subscribe((event) => shown.push(event));
    onTestFinished(async () => void (await broker.close({ timeoutMs: 0 })));
    await expect.poll(() => shown.slice(before).some(isFailure)).toBe(true);
    shown.push(broker);
  }
  expect(shown.length).toBeGreaterThan(8);
  const text = inspect(shown, { depth: 20, showHidden: true });
  expect(text).not.toContain(token);
  expect(text).not.toContain(token.slice('ottla_'.length));
});

function isFailure(shown: unknown): boolean {
  const type = typeof shown === 'object' && shown !== null && 'type' in shown ? shown.type : null;
  return type === 'retrying' || type === 'stopped';
}

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bodyBytesMax } from '../../src/client/protocol/limits.ts';
import { ask, serve } from './serve.ts';

/** All that comes back for these bytes, until the connection is closed. */
async function sendBytes(url: string, bytes: string): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

const topic = { name: 'orders', partitions: 6 };

describe('bad input', () => {
  it.each([
    ['malformed JSON', '{"name":', 'cannot be read'],
    ['a field that the operation does not have', { ...topic, colour: 'red' }, "no field 'colour'"],
    ['an unknown field deep inside', { ...topic, labels: [{ key: 'a', other: 1 }] }, "no field 'other'"],
    ['a missing field', { name: 'orders' }, "needs the field 'partitions'"],
    ['two missing fields', {}, "needs the fields 'name', 'partitions'."],
    ['two unknown fields', { ...topic, colour: 1, taste: 2 }, "has no fields 'colour', 'taste'."],
    ['a number as text', { ...topic, partitions: '6' }, "'partitions' must be an integer"],
    ['a fraction', { ...topic, partitions: 1.5 }, "'partitions' must be an integer"],
    ['a number beyond every range', '{"name":"x","partitions":1e400}', "'partitions'"],
    ['an integer that a double cannot hold', '{"name":"x","partitions":9007199254740993}', 'beyond 90'],
    ['a value that is not among the allowed', { ...topic, cleanup: 'no' }, 'one of "delete", "compact"'],
    ['an array for an object', [], 'The body must be an object.'],
    ['null for an object', 'null', 'needs the fields'],
    ['a key that reaches the prototype', '{"__proto__":{"a":1},"name":"x","partitions":1}', 'cannot be read'],
    ['hostile nesting', `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)},"partitions":1}`, "'name'"],
  ])('is refused with a sentence, before the controller sees it: %s', async (_name, body, sentence) => {
    const { url, controller } = await serve();
    const answer = await ask(`${url}/v1/topics`, 'POST', body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', retryable: false } });
    expect((answer.body as { detail: string }).detail).toContain(sentence);
    expect(controller.requests).toEqual([]);
  });

  it.each([
    ['?colour=red', "no field 'colour'"],
    ['?partition=x', 'partition'],
    ['?partition=1.0', 'partition'],
    ['?consistency=eventual', 'linearizable or stale'],
    ['?min_offset=-1', "'min_offset'"],
    ['?min_offset=12345678901234567890', "'min_offset'"],
    ['?min_offset=', "'min_offset'"],
    ['?min_offset=1&min_offset=2', "'min_offset'"],
    ['?timeout_ms=0', "'timeout_ms' must be from 1 to 60000"],
    ['?timeout_ms=60001', "'timeout_ms'"],
  ])('in a query is refused: %s', async (query, sentence) => {
    const { url, controller } = await serve();
    const answer = await ask(`${url}/v1/topics/orders${query}`);
    expect(answer.status).toBe(400);
    expect((answer.body as { detail: string }).detail).toContain(sentence);
    expect(controller.requests).toEqual([]);
  });

  it.each(['seven', '-1', '1.5', '0x10', '01', '9007199254740993'])(
    'in a path is refused: broker %s',
    async (id) => {
      const { url, controller } = await serve();
      const answer = await ask(`${url}/v1/brokers/${id}/heartbeat`, 'POST', { brokerEpoch: 1 });
      expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
      expect(controller.requests).toEqual([]);
    },
  );

  it('larger than the limit is refused by its length alone', async () => {
    const { url, controller } = await serve();
    const answer = await ask(`${url}/v1/topics`, 'POST', { ...topic, name: 'n'.repeat(bodyBytesMax) });
    expect(answer).toMatchObject({ status: 413, body: { code: 'REQUEST_TOO_LARGE' } });
    expect(controller.requests).toEqual([]);
  });

  it('of another media type is refused', async () => {
    const { url } = await serve();
    const answer = await ask(`${url}/v1/topics`, 'POST', 'name: orders', { 'content-type': 'text/yaml' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    expect((answer.body as { detail: string }).detail).toContain('application/json');
  });

  it.each([
    ['HTTP/1.1', '/livez', 'HTTP/1.1 400', 'application/problem+json'],
    ['HTTP/1.1', '/nowhere', 'HTTP/1.1 400', 'The request has no Host header'],
    ['HTTP/1.0', '/livez', 'HTTP/1.1 200', '"status"'],
  ])('without a Host header is a problem like all others in %s: %s', async (version, path, status, text) => {
    const { url } = await serve();
    const received = await sendBytes(url, `GET ${path} ${version}\r\nconnection: close\r\n\r\n`);
    expect(received).toContain(status);
    expect(received).toContain(text);
  });

  it('that is no HTTP gets an answer and its connection closed, and harms nobody else', async () => {
    const { url } = await serve();
    const received = await sendBytes(url, '\x16\x03\x01 hello\r\n\r\n');
    expect(received).toContain('HTTP/1.1 400');
    expect(received).toContain('INVALID_REQUEST');
    expect((await ask(`${url}/livez`)).status).toBe(200);
  });
});

describe('the common conventions', () => {
  it('reach the controller as they were given', async () => {
    const { url, controller } = await serve();
    await ask(`${url}/v1/topics/x?consistency=stale&min_offset=12&timeout_ms=700`);
    await ask(`${url}/v1/topics/x`, 'DELETE', undefined, { 'if-match': '"31"', 'idempotency-key': '9:4:2' });
    await ask(`${url}/v1/topics/x`, 'DELETE', undefined, { 'if-match': '31', 'idempotency-key': '9:4' });
    await ask(`${url}/v1/topics/x`, 'DELETE', undefined, { 'idempotency-key': 'order-7f' });
    expect(controller.requests).toMatchObject([
      { consistency: 'stale', minOffset: 12, timeoutMs: 700, idempotencyKey: null, ifMatch: null },
      {
        ifMatch: 31,
        idempotencyKey: { sessionId: 9, sequence: 4, forgetBelow: 2 },
        bareIdempotencyKey: null,
      },
      { ifMatch: 31, idempotencyKey: { sessionId: 9, sequence: 4, forgetBelow: 0 } },
      { idempotencyKey: null, bareIdempotencyKey: 'order-7f' },
    ]);
  });

  it.each([
    ['idempotency-key', '1:2:3:4'],
    ['idempotency-key', '12345'],
    ['idempotency-key', '1:9007199254740993'],
    ['idempotency-key', '5:3:4'],
    ['idempotency-key', 'x'.repeat(129)],
    ['idempotency-key', 'a b'],
    ['if-match', '*'],
    ['if-match', 'W/"3"'],
    ['if-match', '"3", "4"'],
  ])('are refused when malformed: %s: %s', async (header, value) => {
    const { url, controller } = await serve();
    const answer = await ask(`${url}/v1/topics/x`, 'DELETE', undefined, { [header]: value });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    expect(controller.requests).toEqual([]);
  });

  it('refuse a bare key where it would not be remembered, instead of dropping the promise', async () => {
    const { url, controller } = await serve();
    controller.acceptsBareIdempotencyKeys = false;
    const answer = await ask(`${url}/v1/topics/x`, 'DELETE', undefined, { 'idempotency-key': 'order-7f' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    expect(controller.requests).toEqual([]);
  });

  it('refuse a write that is asked for with consistency=stale', async () => {
    const { url } = await serve();
    const answer = await ask(`${url}/v1/topics?consistency=stale`, 'POST', topic);
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });
});

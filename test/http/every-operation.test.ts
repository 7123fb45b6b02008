import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.ts';
import { planFields } from '../../src/client/input.ts';
import { nodeOperations, probeOperations } from '../../src/client/protocol/node-operations.ts';
import { streamOperations } from '../../src/client/protocol/watch.ts';
import { assertClosed } from '../../src/client/protocol/validation.ts';
import { errorCatalogue } from '../../src/metadata/errors.ts';
import { isAllowed, roles } from '../../src/metadata/roles.ts';
import { apiOperations } from '../../src/runtime/quorum-operations/api-operations.ts';
import { ask } from './serve.ts';
import { serveImage } from './serve-image.ts';

const operations = [
  ...apiOperations,
  ...Object.values(nodeOperations),
  ...Object.values(streamOperations),
  ...Object.values(probeOperations),
];
const ids = operations.map((operation) => [operation.operationId, operation] as const);

describe('every operation', () => {
  it('has an id of its own', () => {
    expect(new Set(ids.map(([id]) => id)).size).toBe(ids.length);
  });

  it.each(ids)('%s has a method in the typed client', (id) => {
    const client = createClient({ endpoints: ['http://127.0.0.1:1'] });
    expect(client).toHaveProperty(id, expect.any(Function));
  });

  it.each(ids)(
    '%s has closed inputs, fields that stand in one place, and a response that compiles',
    (id, operation) => {
      for (const part of ['params', 'query', 'body'] as const) assertClosed(operation[part], `${id}.${part}`);
      planFields(operation);
      expect(Compile(operation.response).IsAccelerated()).toBe(true);
    },
  );

  it.each(ids)(
    '%s names only errors of the catalogue, and describes itself in a sentence',
    (_id, operation) => {
      expect(operation.errors.filter((code) => !Object.hasOwn(errorCatalogue, code))).toEqual([]);
      expect(operation.summary).toMatch(/^[A-Z].*\.$/);
    },
  );

  it.each(ids)('%s declares which roles may call it, and lets no reader change anything', (id, operation) => {
    const { mayCall, kind } = operation;
    expect(mayCall.filter((role) => !roles.includes(role) || role === 'administrator')).toEqual([]);
    expect(new Set(mayCall).size).toBe(mayCall.length);
    expect(isAllowed('administrator', mayCall)).toBe(true);
    expect(kind === 'read' || !isAllowed('reader', mayCall)).toBe(true);
    // A broker proves that it lives under its own role alone; the member of a group may be an operator's program.
    const beats = id === 'heartbeatGroupMember' ? 'operator,broker' : 'broker';
    expect(kind !== 'heartbeat' || mayCall.join() === beats).toBe(true);
  });

  it('has its route, and refuses an unknown field there', async () => {
    const { url } = await serveImage();
    for (const { method, path, operationId } of apiOperations) {
      const concrete = path
        .replace(/\{(?:token|member)Id\}/, 'AAAAAAAAAAAAAAAAAAAAAA')
        .replace('{resourceType}', 'topic')
        .replaceAll(/\{\w+\}/g, '1');
      const answer = await ask(`${url}/v1${concrete}?unheardOf=1`, method);
      expect([operationId, answer.status]).toEqual([operationId, 400]);
      expect(answer.body).toMatchObject({
        code: 'INVALID_REQUEST',
        detail: "The query has no field 'unheardOf'.",
      });
    }
  });
});

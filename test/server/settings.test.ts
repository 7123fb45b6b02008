import { expect, it } from 'vitest';
import { resolveSettings } from '../../src/server/settings.ts';

it('takes settings of the node, of its consensus and of HTTP by their flat names', () => {
  const given = { segmentBytes: 1_048_576, electionTimeoutMs: 700, requestsPerSecond: 50 };
  expect(resolveSettings(given)).toMatchObject({
    ok: true,
    value: {
      node: { segmentBytes: 1_048_576, raft: { electionTimeoutMs: 700 } },
      http: { requestsPerSecond: 50, requestsBurst: 20_000 },
    },
  });
});

it.each([
  [{ unheardOf: 1 }, 'There is no setting unheardOf.'],
  [{ pendingMax: 1 }, 'There is no setting pendingMax.'],
  [{ requestsPerSecond: 0 }, 'requestsPerSecond must be at least 1.'],
  [{ connectionsPerAddressMax: 16_384 }, 'connectionsPerAddressMax < connectionsMax'],
  [{ headersTimeoutMs: 40_000 }, 'headersTimeoutMs <= receiveTimeoutMs'],
  [{ segmentBytes: 7 }, 'segmentBytes must be a multiple'],
])('refuses %o and says why', (given, reason) => {
  expect(resolveSettings(given)).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
});

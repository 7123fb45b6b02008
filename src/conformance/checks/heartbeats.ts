import type { Check } from '../check.ts';
import type { Kit } from '../kit.ts';
import { Inconclusive, RuleBroken } from '../verdict.ts';
import { patienceMs } from '../waiting.ts';

const caughtUp: Check = {
  rule: 'caught-up',
  run: async (kit) => {
    const { gateway, client } = kit;
    gateway.holdMetadata();
    // Nothing above has passed: this is asked for when all is held back.
    const { offset: reached } = await client.call('getCluster', {});
    const { offset: written } = await client.call('createTopic', kit.emptyTopic());
    const before = gateway.of('heartbeat').length;
    const since = (): readonly number[] =>
      gateway
        .of('heartbeat')
        .slice(before)
        .map(({ body }) => Number(body['metadataOffset']));
    await kit.expect('Heartbeats', () => since().length >= 4 || undefined);
    const ahead = since().find((named) => named > reached);
    if (ahead === undefined) return;
    throw new RuleBroken(
      'A heartbeat names no metadata offset that the broker has not reached.',
      `Its metadata were held back at offset ${reached} while others went on to ${written}, and it named ${ahead}.`,
    );
  },
};

/** Anybody has tried elsewhere by then. */
const attemptsMax = 5;

const anyController: Check = {
  rule: 'any-controller',
  run: async (kit) => {
    for (const gone of [0, 1] as const) await goOnWithout(kit, gone);
  },
};

async function goOnWithout(kit: Kit, gone: 0 | 1): Promise<void> {
  const { gateway } = kit;
  const sinceMs = performance.now();
  gateway.doors[gone].shut();
  gateway.requests = [];
  const other = await kit.find(() => gateway.of('heartbeat').find(({ door }) => door !== gone));
  const { refused } = gateway.doors[gone];
  gateway.doors[gone].open();
  if (other !== null) return;
  if (refused < attemptsMax) throw new Inconclusive(`It tried ${refused} times to reach a controller.`);
  kit.missing(
    sinceMs,
    'A broker knows all controllers, and asks the next one where one does not answer.',
    `The controller at ${gateway.urls[gone]} was gone: it was tried ${refused} times, and the other one never.`,
  );
}

const leaseUnknown: Check = {
  rule: 'lease-unknown',
  run: async (kit) => {
    const { gateway } = kit;
    let silenced = 0;
    gateway.treat('heartbeat', () => (silenced++ === 0 ? { type: 'silence' } : { type: 'pass' }));
    await kit.expect('A heartbeat', () => silenced > 0 || undefined);
    const sinceMs = performance.now();
    if ((await kit.find(() => silenced > 1 || undefined)) !== null) return;
    kit.missing(
      sinceMs,
      'A heartbeat that is not answered is sent again soon.',
      `One was not answered, and none came in the ${patienceMs} ms after it.`,
    );
  },
};

const gapsLookedAt = 7;

const heartbeatPace: Check = {
  rule: 'heartbeat-pace',
  run: async (kit) => {
    const { gateway, sessionTimeoutMs } = kit;
    const sinceMs = performance.now();
    const seen = gateway.of('heartbeat').length;
    const arrivals = (): readonly number[] =>
      gateway
        .of('heartbeat')
        .slice(seen)
        .map(({ arrivedAtMs }) => arrivedAtMs);
    await kit.expect('Heartbeats', () => arrivals().length > gapsLookedAt || undefined);
    const gaps = arrivals()
      .slice(1)
      .map((atMs, index) => atMs - (arrivals()[index] ?? atMs))
      .toSorted((left, right) => left - right);
    const median = gaps[Math.floor(gaps.length / 2)] ?? 0;
    // Twice what is asked for, since a machine may be slow.
    if (median <= Math.min(2_000, sessionTimeoutMs / 4) * 2) return;
    kit.missing(
      sinceMs,
      `Heartbeats come every two seconds, or a quarter of the session timeout of ${sessionTimeoutMs} ms where that is less.`,
      `Half of them came more than ${Math.floor(median)} ms after the one before.`,
    );
  },
};

export const heartbeatChecks: readonly Check[] = [caughtUp, anyController, leaseUnknown, heartbeatPace];

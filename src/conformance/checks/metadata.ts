import type { Check } from '../check.ts';
import type { SeenRequest } from '../gateway/seen-request.ts';
import type { Kit } from '../kit.ts';
import { foreignKind } from '../quorum.ts';
import { Inconclusive, NotApplicable, RuleBroken } from '../verdict.ts';

const resumptionsMax = 5;
const watchWithinMs = 5_000;

const watchInOrder: Check = {
  rule: 'watch-in-order',
  run: async (kit) => {
    const { gateway, client } = kit;
    const watches = await kit.find(() => gateway.metadata.count > 0 || undefined, watchWithinMs);
    if (watches === null) throw new NotApplicable('The broker does not watch.');
    gateway.treat('watch', (request) => {
      if (!resumes(request)) return { type: 'pass' };
      const message = 'The conformance kit says that the log does not reach back so far.';
      return { type: 'refuse', code: 'OFFSET_OUT_OF_RANGE', message };
    });
    gateway.metadata.cut();
    const opened = (): readonly SeenRequest[] => gateway.of('watch');
    const hasBegun = (): boolean => opened().some((watch) => !resumes(watch));
    await kit.find(() => hasBegun() || opened().length > resumptionsMax || undefined);
    if (opened().length === 0) throw new Inconclusive('It did not watch again.');
    if (!hasBegun()) {
      throw new RuleBroken(
        'A broker that is answered 410 begins with the state.',
        `It was answered so ${opened().length} times, and asked to go on where it was.`,
      );
    }
    const { offset } = await client.call('createTopic', kit.emptyTopic());
    await reaches(kit, offset, 'A broker that has begun with the state takes in what follows it.');
  },
};

function resumes({ path, headers }: SeenRequest): boolean {
  return new URL(path, 'http://gateway').searchParams.has('since') || headers['last-event-id'] !== undefined;
}

const unknownRecords: Check = {
  rule: 'unknown-records',
  run: async (kit) => {
    const { client } = kit;
    await client.resource(foreignKind).put('looked-at', { says: 'A record of a kind that no broker knows.' });
    const { offset } = await client.call('createTopic', kit.emptyTopic());
    await reaches(kit, offset, 'Records of kinds that a broker does not use are left out.');
  },
};

/** Enough for a broker that takes in a batch at each. */
const heartbeatsMax = 30;

/** Its heartbeats say that it has come so far. */
async function reaches(kit: Kit, offset: number, demanded: string): Promise<void> {
  const { gateway } = kit;
  const before = gateway.of('heartbeat').length;
  const since = (): readonly SeenRequest[] => gateway.of('heartbeat').slice(before);
  const named = ({ body }: SeenRequest): number => Number(body['metadataOffset']);
  const isLeaving = ({ body }: SeenRequest): boolean => body['wantShutDown'] === true;
  await kit.find(() => {
    const isThere = since().some((heartbeat) => named(heartbeat) >= offset);
    const hasEnded = kit.hasControl && !kit.control.isRunning;
    return isThere || hasEnded || since().length > heartbeatsMax || undefined;
  });
  const last = since().at(-1);
  if (since().some(isLeaving)) throw new RuleBroken(demanded, 'It leaves.');
  if (last !== undefined && since().some((heartbeat) => named(heartbeat) >= offset)) return;
  if (kit.hasControl && !kit.control.isRunning) throw new RuleBroken(demanded, 'Its process has ended.');
  if (last === undefined || since().length <= heartbeatsMax) {
    throw new Inconclusive(`It sent ${since().length} heartbeats and did not come to offset ${offset}.`);
  }
  throw new RuleBroken(
    demanded,
    `Its last ${since().length} heartbeats named at most offset ${named(last)}, of ${offset}.`,
  );
}

export const metadataChecks: readonly Check[] = [watchInOrder, unknownRecords];

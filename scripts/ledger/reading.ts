import { setTimeout as pause } from 'node:timers/promises';
import { field, type Http, listField, numberField } from '../../bench/processes/http.ts';
import { NotYet, waitFor } from '../../bench/processes/wait.ts';
import type { StoredRecord } from './account.ts';
import { type Leaders, type PartitionPlace, placeName } from './leaders.ts';

type ReadingOptions = {
  readonly http: Http;
  readonly leaders: Leaders;
  readonly urlOf: (brokerId: number) => string;
};

type Page = { readonly records: readonly StoredRecord[]; readonly nextOffset: number };

const retryPauseMs = 200;
const followWaitMs = 2_000;
const answerTimeoutMs = 6_000;

/** What a consumer is shown of a partition from its beginning on, until told to stop. */
export async function follow(
  place: PartitionPlace,
  options: ReadingOptions,
  stopping: AbortSignal,
): Promise<readonly StoredRecord[]> {
  const shown: StoredRecord[] = [];
  for (let next = 0; !stopping.aborted; ) {
    const page = await readPage(place, next, followWaitMs, options);
    if (page === null) await pause(retryPauseMs);
    else {
      shown.push(...page.records);
      next = page.nextOffset;
    }
  }
  return shown;
}

/** Everything that stands in a partition whose replicas are all in sync, where nobody writes any more. */
export async function readWhole(
  place: PartitionPlace,
  options: ReadingOptions,
): Promise<readonly StoredRecord[]> {
  const end = await waitFor(`${placeName(place)} is committed up to its end`, async () => {
    const offsets = await ask(place, '/offsets', options);
    if (offsets === null) return new NotYet('nobody shows its offsets');
    const highWatermark = numberField(offsets, 'highWatermark');
    return highWatermark === numberField(offsets, 'logEndOffset')
      ? highWatermark
      : new NotYet(JSON.stringify(offsets));
  });
  const records: StoredRecord[] = [];
  for (let next = 0; next < end; ) {
    const page = await waitFor(`${placeName(place)} is read from ${next}`, async () => {
      return (await readPage(place, next, 0, options)) ?? new NotYet('nobody shows it');
    });
    records.push(...page.records);
    next = page.nextOffset;
  }
  return records;
}

async function readPage(
  place: PartitionPlace,
  offset: number,
  waitMs: number,
  options: ReadingOptions,
): Promise<Page | null> {
  const body = await ask(place, `/records?offset=${offset}&max_wait_ms=${waitMs}`, options);
  if (body === null) return null;
  const records = listField(body, 'records').map((record) => ({
    offset: numberField(record, 'offset'),
    value: String(field(record, 'value')),
  }));
  return { records, nextOffset: numberField(body, 'nextOffset') };
}

async function ask(
  { topic, partition }: PartitionPlace,
  path: string,
  { http, leaders, urlOf }: ReadingOptions,
): Promise<unknown> {
  const leader = leaders.leaderOf({ topic, partition });
  if (leader === null) return null;
  const url = `${urlOf(leader)}/v1/topics/${topic}/partitions/${partition}${path}`;
  const outcome = await http.send('GET', url, { timeoutMs: answerTimeoutMs });
  return outcome.type === 'answer' && outcome.status === 200 ? outcome.body : null;
}

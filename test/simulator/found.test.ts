import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runSchedule } from '../../simulator/run.ts';
import { decodeSavedRun, hosts } from '../../simulator/saved-run.ts';

/** Shrunken schedules that broke a property once, each with what was wrong. Every one of them was seen to fail. */
const found: Readonly<Record<string, string>> = {
  'refused-proposals': 'a leader proposed until its own core refused, and then began anew, again and again',
  'closed-twice':
    'closing a session that was gone answered as if the key’s own session were, so the SDK executed it again under another key',
  'heartbeats-nobody-waits-for':
    'a leader whose log stood still dropped the heartbeats whose senders had given up, and then fenced these brokers',
  'states-within-an-operation':
    'a checker executed a join in the state between the two records of another, where the group has no leader yet',
  'deletion-under-a-condition':
    'a checker looked for a deletion in steps by a state within it, in which the topic was not the one that its caller had seen',
  'first-batch-removed-before-its-answer':
    'a model producer asked for ever after its first batch, which had stood in the log and was removed by retention before its answer came',
  'remains-of-a-torn-frame':
    'a start that could not flush the zeros over a torn frame left its remains on disk, which the next one did not see',
};

const folder = fileURLToPath(new URL('found', import.meta.url));

describe('what the simulator has found stays mended', () => {
  it.each(Object.entries(found))('%s: %s', (name) => {
    const saved = decodeSavedRun(readFileSync(join(folder, `${name}.json`), 'utf8'));
    if (!saved.ok) throw new Error(saved.error);
    const { host, schedule } = saved.value;
    const { violation } = runSchedule({ schedule, host: hosts[host] });
    expect(violation).toBeNull();
  });

  it('has a sentence for each schedule', () => {
    const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
    expect(names.toSorted()).toEqual(Object.keys(found).toSorted());
  });
});

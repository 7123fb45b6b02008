import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { brokersOf } from '../../bench/processes/brokers.ts';
import { field, listField, numberField } from '../../bench/processes/http.ts';
import { createTopic, topicsOn } from './api.ts';
import { startCluster } from './harness.ts';

/** Loaded into a controller before its own code: its wall clock shows what a file says it is off by. */
const preload = `
  import { readFileSync } from 'node:fs';
  const path = process.env.OTTLA_TEST_CLOCK_FILE;
  const RealDate = Date;
  const real = Date.now.bind(Date);
  const offByMs = () => Number(readFileSync(path, 'utf8'));
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(real() + offByMs());
      else super(...args);
    }
    static now() {
      return real() + offByMs();
    }
  };
`;

const hourMs = 3_600_000;

describe('a wall clock that jumps', () => {
  it('moves neither leadership nor brokers, and time in the log never goes back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-clock-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const clockFile = join(folder, 'off-by-ms');
    const preloadFile = join(folder, 'clock.mjs');
    writeFileSync(clockFile, '0');
    writeFileSync(preloadFile, preload);
    const { quorum, leadership } = await startCluster({
      nodeArguments: ['--import', preloadFile],
      environment: { OTTLA_TEST_CLOCK_FILE: clockFile },
      brokerCount: 2,
    });
    const { leader, epoch } = leadership;
    const before = await brokersOf(leader);
    for (const [index, offByMs] of [0, hourMs, -24 * hourMs, 0, -hourMs, 1_000 * hourMs].entries()) {
      writeFileSync(clockFile, String(offByMs));
      await createTopic(leader, `at-${index}`, 1);
    }
    expect((await leader.view())?.epoch).toBe(epoch);
    const after = await brokersOf(leader);
    expect(after?.map(({ brokerEpoch, isFenced }) => ({ brokerEpoch, isFenced }))).toEqual(
      before?.map(({ brokerEpoch }) => ({ brokerEpoch, isFenced: false })),
    );
    for (const controller of quorum.controllers) {
      expect((await topicsOn(controller, 0)).length).toBe(6);
      const log = await controller.ask('GET', '/v1/log?limit=1000');
      const times = listField(log.body, 'batches')
        .filter((batch) => field(batch, 'kind') === 'data')
        .map((batch) => numberField(batch, 'appendTimestampMs'));
      expect(times.length).toBeGreaterThan(6);
      expect(times).toEqual(times.toSorted((left, right) => left - right));
      // The jumps were really seen: the last one lies far ahead.
      expect(times.at(-1)).toBeGreaterThan(Date.now() + 500 * hourMs);
    }
  });
});

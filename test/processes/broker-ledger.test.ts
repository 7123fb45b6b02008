import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runLedger } from '../../scripts/ledger/run.ts';

/** As `npm run ledger`, which does the same for ten minutes; the waits within have bounds of their own. */
const options = {
  seed: 5,
  durationMs: 20_000,
  gaps: { brokerMs: 2_500, controllerMs: 6_000 },
  topics: ['orders'],
  producers: 3,
};

it('reference brokers lose and double nothing, and keep the order, while processes are killed, every partition is moved and a broker is emptied', {
  timeout: 900_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-ledger-'));
  const parts: string[] = [];
  const write = (text: string): void => void parts.push(text);
  let isSound = false;
  onTestFinished(() => {
    if (isSound) rmSync(folder, { recursive: true, force: true });
    else process.stderr.write(`${parts.join('')}\nfiles of this run: ${folder}\n`);
  });
  const { complaints, line, acknowledged, faults } = await runLedger({ ...options, folder, write });
  process.stdout.write(`  ${line}\n`);
  expect(complaints).toEqual([]);
  expect(acknowledged).toBeGreaterThan(0);
  expect(faults).toBeGreaterThan(0);
  expect(line).toMatch(/^acknowledged \d+, missing 0, duplicated 0, out of order 0, unknown \d+ of which/);
  isSound = true;
});

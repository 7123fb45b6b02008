import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assert } from '../../src/base/assert.ts';
import { LevelStore } from '../../src/storage/level-store.ts';
import { LevelStores } from '../../src/storage/level-stores.ts';
import { SimulatedStores } from '../../simulator/checkpoint-store.ts';
import { Scheduler } from '../../simulator/scheduler.ts';
import { describeStoresConformance } from './stores-conformance.ts';

describeStoresConformance('level', () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-stores-'));
  const close = (): void => rmSync(root, { recursive: true });
  return { attach: () => new LevelStores(root), settle: () => {}, close };
});

describeStoresConformance('the simulator’s', () => {
  const scheduler = new Scheduler();
  const stores = new SimulatedStores(1);
  const attach = () => stores.attach((delayUs, run) => void scheduler.schedule(delayUs, run));
  return { attach, settle: () => scheduler.runUntilIdle(), close: () => {} };
});

describe('level stores', () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-level-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it('takes the database with the highest number into force and removes the others', async () => {
    for (const name of ['checkpoint-2', 'checkpoint-10', 'checkpoint-9']) {
      const opened = await LevelStore.open(join(root, name));
      if (opened.ok) await opened.value.close();
    }
    const stores = new LevelStores(root);
    await new Promise((resolve) => stores.open(resolve));
    expect(readdirSync(root)).toEqual(['checkpoint-10']);
    await new Promise<void>((resolve) => stores.close(resolve));
  });

  it('answers CLOSED after it was closed', async () => {
    const opened = await LevelStore.open(join(root, 'closed'));
    assert(opened.ok, 'it opens');
    await opened.value.close();
    const result = await new Promise((resolve) => opened.value.submit({ kind: 'get', keys: [] }, resolve));
    expect(result).toMatchObject({ ok: false, error: { code: 'CLOSED' } });
  });
});

import { describe, expect, it } from 'vitest';
import { assert, assertDefined } from '../../src/base/assert.ts';
import { epoch, offset } from '../../src/base/brands.ts';
import type { Result } from '../../src/base/result.ts';
import type { FileOperation, Files } from '../../src/ports/files.ts';
import { runFileTask } from '../../src/ports/task.ts';
import { type InspectedLog, inspectLog } from '../../src/runtime/log/inspect-log.ts';
import type { SimulatedDisk } from '../../src/testing/world/files.ts';
import { BatchMaker, bytesOf, LogBench } from './log-bench.ts';

const segmentBytes = 16 * 512;

/** Batches of three records each, in several segments, of which the oldest are gone. */
function cleanedDisk(): { readonly disk: SimulatedDisk; readonly logStart: number } {
  const bench = new LogBench({ segmentBytes });
  const { log } = bench.openSound();
  const maker = new BatchMaker();
  for (let at = 1; at <= 30; at++) log.append(at, [maker.data(3, 700, at)]);
  bench.scheduler.runUntilIdle();
  log.cleanTo({ endOffset: offset(45), epoch: epoch(1) });
  bench.scheduler.runUntilIdle();
  const { logStart } = new LogBench({ disk: bench.disk.durableCopy(), segmentBytes }).openSound().recovery;
  return { disk: bench.disk.durableCopy(), logStart: logStart.endOffset };
}

const { disk: cleaned, logStart } = cleanedDisk();

/** What is found from `from` on, and what was asked of the files for it. */
function inspect(
  disk: SimulatedDisk,
  from: number | null,
): { readonly found: Result<InspectedLog, string>; readonly asked: readonly FileOperation['kind'][] } {
  const bench = new LogBench({ disk, segmentBytes });
  const files = bench.attach();
  const asked: FileOperation['kind'][] = [];
  const counted: Files = {
    submit: (operation, complete) => {
      asked.push(operation.kind);
      files.submit(operation, complete);
    },
  };
  let found: Result<InspectedLog, string> | null = null;
  runFileTask(counted, inspectLog('/data/log', from === null ? null : offset(from)), (result) => {
    found = result;
  });
  bench.scheduler.runUntilIdle();
  assert(found !== null, 'an inspection ends');
  return { found, asked };
}

function firstOffset(from: number | null): number | undefined {
  const { found } = inspect(cleaned, from);
  assert(found.ok, `the log is sound: ${JSON.stringify(found)}`);
  expect(found.value).toMatchObject({ logStartOffset: logStart, endOffset: 90 });
  return found.value.batches[0]?.baseOffset;
}

describe('an inspected log', () => {
  it('is shown from its beginning, or from the batch that holds what was asked for', () => {
    expect(logStart).toBeGreaterThan(0);
    expect(firstOffset(null)).toBe(logStart);
    expect(firstOffset(logStart)).toBe(logStart);
    expect(firstOffset(logStart + 2)).toBe(logStart);
    expect(firstOffset(60)).toBe(60);
    expect(firstOffset(62)).toBe(60);
    expect(firstOffset(89)).toBe(87);
    expect(firstOffset(90)).toBeUndefined();
  });

  it.each([logStart - 1, 91])('says what it holds when %d is asked for', (from) => {
    expect(inspect(cleaned, from).found).toEqual({
      ok: false,
      error: `the log holds offsets ${logStart} to 90`,
    });
  });

  it('is shown whole, of one record and more', () => {
    const bench = new LogBench({ segmentBytes });
    const { log } = bench.openSound();
    const maker = new BatchMaker();
    log.append(1, [maker.data(1, 10, 1), maker.data(2, 10, 2)]);
    bench.scheduler.runUntilIdle();
    const { found } = inspect(bench.disk.durableCopy(), null);
    expect(found.ok && found.value.batches.map(({ baseOffset }) => baseOffset)).toEqual([0, 1]);
  });

  it('is read and closed again, and nothing of it is changed', () => {
    const { asked } = inspect(cleaned, null);
    const count = (kind: FileOperation['kind']): number => asked.filter((other) => other === kind).length;
    expect(count('open')).toBeGreaterThan(1);
    expect(count('close')).toBe(count('open'));
    expect(new Set(asked)).toEqual(new Set(['list', 'open', 'size', 'pread', 'close']));
  });

  it('is not shown where it is damaged, and the place is named', () => {
    const disk = cleaned.durableCopy();
    const path = assertDefined(
      disk.paths().find((other) => other.endsWith('.log')),
      'there is a segment',
    );
    disk.corrupt(path, 700, 1);
    const { found, asked } = inspect(disk, null);
    expect(found.ok ? '' : found.error).toMatch(`${path} at position 512: `);
    expect(new Set(asked)).toEqual(new Set(['list', 'open', 'size', 'pread', 'close']));
  });

  it('is not shown where it cannot be read', () => {
    const disk = cleaned.durableCopy();
    disk.failNext.pread = 1;
    const { found } = inspect(disk, null);
    expect(found.ok ? '' : found.error).toMatch(/^\/data\/log\/segment-\d+\.log: /);
  });

  it('is not shown where a batch of it is of a later version, and the place is named', () => {
    const sound = new BatchMaker().data(1, 10, 1);
    const bytes = bytesOf(sound).slice();
    bytes[2] = 9;
    const bench = new LogBench({ segmentBytes });
    bench.openSound().log.append(1, [{ ...sound, body: { form: 'encoded', bytes } }]);
    bench.scheduler.runUntilIdle();
    const { found } = inspect(bench.disk.durableCopy(), null);
    expect(found.ok ? '' : found.error).toMatch(/^\/data\/log\/segment-0+1\.log: /);
  });
});

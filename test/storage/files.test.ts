import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeFiles } from '../../src/storage/files.ts';
import { SimulatedDisk } from '../../src/testing/world/files.ts';
import { Scheduler } from '../../src/testing/world/scheduler.ts';
import { describeFilesConformance } from './files-conformance.ts';

describeFilesConformance('the operating system’s', false, () => {
  const root = mkdtempSync(join(tmpdir(), 'ottla-files-'));
  const files = new NodeFiles();
  const close = (): void => rmSync(root, { recursive: true });
  return { files: () => files, root, settle: () => {}, losePower: () => {}, close };
});

describeFilesConformance('the simulator’s', true, () => {
  const scheduler = new Scheduler();
  const disk = new SimulatedDisk({ seed: 1, directories: ['/root'] });
  const attach = () => disk.attach((delayUs, run) => void scheduler.schedule(delayUs, run));
  let files = attach();
  return {
    files: () => files,
    root: '/root',
    settle: () => scheduler.runUntilIdle(),
    losePower: () => {
      disk.losePower();
      files = attach();
    },
    close: () => {},
  };
});

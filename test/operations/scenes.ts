import { rmSync } from 'node:fs';
import type { Machines } from './machines.ts';

/** The trouble that a procedure is for, made by the test before the next block. */
export async function playScene(name: string, machines: Machines): Promise<void> {
  if (name !== 'the disk of one controller is lost') {
    throw new Error(`the page has a scene that the test does not know: ${name}`);
  }
  await machines.unit(2).kill();
  rmSync(machines.dataDir(2), { recursive: true });
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What the simulator writes: schedules, transcripts, timelines and the state of a soak. Git ignores it. */
const folder = '.simulator';

/** The path of a file in that folder, which exists afterwards. */
export function outputPath(name: string): string {
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

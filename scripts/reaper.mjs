// Ends processes whose starter is gone. The starter holds the other end of this process's stdin and writes
// `+<pid>` for each process that it has started and `-<pid>` for each that it has seen end. When stdin closes,
// however the starter ended, what is left is killed. A pid that meanwhile belongs to another process is spared.

import { createInterface } from 'node:readline';
import { processIdentity } from './descendants.mjs';

const identities = new Map();

// A signal to the whole group must not end this process before it has done its work.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (line.startsWith('+')) identities.set(pid, processIdentity(pid));
  else identities.delete(pid);
});
lines.on('close', () => {
  for (const [pid, identity] of identities) {
    if (identity !== processIdentity(pid)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended between the look and the signal.
    }
  }
  process.exit(0);
});

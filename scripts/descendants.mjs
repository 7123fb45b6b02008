// Finds and ends the processes that this one has started, and those that they have started in turn.
// It reads /proc where there is one, because small images have no `ps`.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Every [pid, parent pid] of this machine that we may see. */
function processTable() {
  if (process.platform === 'linux') return processTableFromProc();
  const listing = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  if (listing.status !== 0) return [];
  return listing.stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
}

function processTableFromProc() {
  const table = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = procStat(name);
    if (fields !== undefined) table.push([Number(name), Number(fields[1])]);
  }
  return table;
}

/** The fields of /proc/<pid>/stat behind the command name, which may itself hold spaces and brackets. */
function procStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * Tells two processes apart that had the same pid one after the other; undefined where that cannot be known,
 * and for a process that has ended, even while its parent has not asked for its exit code. The start time
 * counts from boot, so the boot's own id stands beside it.
 */
export function processIdentity(pid) {
  if (process.platform !== 'linux') return undefined;
  const fields = procStat(pid);
  if (fields === undefined || fields[0] === 'Z') return undefined;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
}

/** The pids below `root`, each parent before its children. */
function descendantsOf(root) {
  const table = processTable();
  const found = [root];
  for (let index = 0; index < found.length; index += 1) {
    for (const [pid, parent] of table) {
      if (parent === found[index]) found.push(pid);
    }
  }
  return found.slice(1);
}

/** Ends everything below this process at once; what has ended already is passed over. */
export function killDescendants() {
  for (const pid of descendantsOf(process.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended between the listing and the signal.
    }
  }
}

/**
 * From now on a signal that ends this process ends its descendants first, so that none is orphaned.
 * `afterwards` is called when they have got theirs. Returns the function that takes all this back.
 */
export function endDescendantsOnSignal(afterwards = () => {}) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const handlers = signals.map((signal) => () => {
    // The handlers stay until the work is done: Ctrl-C comes twice, from the terminal and from npm.
    killDescendants();
    afterwards();
    release();
    // Sent again without a handler, the signal ends this process the way its parent expects to see.
    process.kill(process.pid, signal);
  });
  const release = () => signals.forEach((signal, index) => process.off(signal, handlers[index]));
  signals.forEach((signal, index) => process.on(signal, handlers[index]));
  return release;
}

// Watches a follower's system calls and shows that it never acknowledges what is not on its disk: each fetch
// says up to where the follower has flushed its log, and a flush that covers that offset (an fdatasync, or a
// write to a descriptor with O_DSYNC) must have ended before the bytes of the fetch were handed to the network
// (design 1, 17).
//
// It runs three real controllers, one of them under strace. Exit code 0: shown; 1: broken; 77: strace is missing.

import { mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensure, fail, root } from '../ensure.mjs';
import { readTrace } from './trace.mjs';
import { findFetches, findFlushes, judge } from './flush-order.mjs';

const skippedExitCode = 77;
const writesTotal = 60;
/** The trace shows whole writes; a log segment is written in pieces below this. */
const stringBytesMax = 2_000_000;

async function load(path) {
  return await import(pathToFileURL(join(root, 'dist', path)).href);
}

/** Runs the quorum; gives the trace's file and the follower's place. */
async function record(folder) {
  const { Quorum } = await load('bench/processes/quorum.js');
  const { Brokers } = await load('bench/processes/brokers.js');
  const quorum = await Quorum.prepare({ settings: { segmentBytes: 131_072 } });
  try {
    await quorum.start();
    const { leader } = await quorum.waitForLeader();
    const brokers = await Brokers.start(quorum, 1);
    const [follower] = quorum.others(leader);
    await follower.stop();
    const trace = join(folder, 'trace');
    const calls = 'openat,fdatasync,fsync,sendto,sendmsg,writev,write,pwrite64,pwritev';
    const options = [
      '-D',
      '-f',
      '-yy',
      '-xx',
      '-s',
      String(stringBytesMax),
      '-e',
      `trace=${calls}`,
      '-o',
      trace,
    ];
    await follower.start({ wrapper: ['strace', ...options], environment: { UV_USE_IO_URING: '0' } });
    await quorum.waitUntilCaughtUp((await leader.view()).highWatermark);
    await writeTopics(leader);
    await quorum.waitUntilCaughtUp((await leader.view()).highWatermark);
    const peerPorts = quorum.controllers.map(({ place }) => place.peerPort);
    const { dataDir } = follower.place;
    await follower.stop();
    await brokers.close();
    return { trace, dataDir, peerPorts };
  } finally {
    await quorum.close();
  }
}

async function writeTopics(leader) {
  for (let index = 0; index < writesTotal; index += 1) {
    const answer = await leader.ask('POST', '/v1/topics', {
      body: { name: `traced-${index}`, partitions: 1, replicationFactor: 1 },
    });
    if (answer.status >= 300) throw new Error(`topic ${index} was not created: ${answer.text}`);
  }
}

function hasStrace() {
  return process.platform === 'linux' && spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0;
}

async function check() {
  if (!hasStrace()) {
    console.log('skipped: strace is missing');
    process.exitCode = skippedExitCode;
    return;
  }
  await ensure();
  const { decodePeerMessage } = await load('src/codec/peer-message.js');
  const folder = mkdtempSync(join(tmpdir(), 'ottla-strace-'));
  try {
    const { trace, dataDir, peerPorts } = await record(folder);
    const calls = await readTrace(trace);
    const flushes = findFlushes(calls, dataDir);
    const fetches = findFetches(calls, peerPorts, decodePeerMessage);
    const verdict = judge(flushes, fetches);
    console.log(
      `${calls.length} calls, ${flushes.length} flushes of the log, ${fetches.length} fetches, ${verdict.acknowledging} of which acknowledge more than the one before`,
    );
    for (const complaint of verdict.complaints) console.log(`broken: ${complaint}`);
    if (verdict.acknowledging < writesTotal / 4) throw new Error('too few acknowledgements to show anything');
    // The check must be able to fail: without its flushes the same trace is a broken one.
    if (judge([], fetches).complaints.length === 0) throw new Error('a trace without flushes was accepted');
    if (verdict.complaints.length > 0) process.exitCode = 1;
    else console.log('every acknowledged offset was flushed before its fetch was sent');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await check().catch(fail);

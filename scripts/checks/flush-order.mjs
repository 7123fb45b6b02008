// What a trace of system calls says about a follower: when its log was flushed, up to where, and which fetches
// said so.

import { bytesOf, descriptorOf } from './trace.mjs';

const frameMagic = Buffer.from('OTLF', 'latin1');
const magicAt = 1;
const endOffsetAt = 17;
const messageFrameType = 4;
const frameOverheadBytes = 9;

/** strace shows paths in hexadecimal when it is asked for strings in it. */
function pathOf(call) {
  const target = descriptorOf(call)?.target ?? '';
  return target.startsWith('\\x') ? Buffer.from(target.replaceAll('\\x', ''), 'hex').toString() : target;
}

/**
 * Every flush of a log segment: up to which offset it covers the log, and when it had ended. A write to a
 * descriptor that was opened with O_DSYNC is its own flush: it returns once its bytes are on disk.
 */
export function findFlushes(calls, dataDir) {
  const writtenTo = new Map();
  const flushes = [];
  const synchronous = new Set();
  // A flush covers what was written before it began, so writes are taken in by when they ended.
  for (const call of calls.toSorted((left, right) => orderOf(left) - orderOf(right))) {
    if (call.name === 'openat' && call.result >= 0) {
      // A number that is given again is that of another file.
      if (call.args.includes('O_DSYNC')) synchronous.add(call.result);
      else synchronous.delete(call.result);
    }
    const path = pathOf(call);
    if (call.result < 0 || !path.startsWith(dataDir)) continue;
    const written = writtenTo.get(path) ?? [];
    writtenTo.set(path, written);
    if (call.name === 'fdatasync' || call.name === 'fsync') {
      const covered = written.filter(({ endedAt }) => endedAt < call.startedAt);
      if (covered.length > 0)
        flushes.push({
          endOffset: Math.max(...covered.map(({ endOffset }) => endOffset)),
          endedAt: call.endedAt,
        });
      continue;
    }
    const endOffset = frameEndOf(call);
    if (endOffset === undefined) continue;
    const isFlush = synchronous.has(descriptorOf(call)?.number);
    if (isFlush) flushes.push({ endOffset, endedAt: call.endedAt });
    else written.push({ endOffset, endedAt: call.endedAt });
  }
  return flushes;
}

function orderOf(call) {
  return call.name === 'fdatasync' || call.name === 'fsync' ? call.startedAt : call.endedAt;
}

/** The end offset of the log frame that a call wrote; undefined when it wrote something else. */
function frameEndOf(call) {
  const bytes = bytesOf(call);
  if (bytes === undefined || bytes.length < endOffsetAt + 8) return undefined;
  if (!bytes.subarray(magicAt, magicAt + frameMagic.length).equals(frameMagic)) return undefined;
  return Number(bytes.readBigInt64BE(endOffsetAt));
}

/** Every fetch that was sent to a peer: the offset that it acknowledges, and when its last byte was handed over. */
export function findFetches(calls, peerPorts, decodePeerMessage) {
  const streams = new Map();
  const fetches = [];
  for (const call of calls.toSorted((left, right) => left.startedAt - right.startedAt)) {
    const target = descriptorOf(call)?.target ?? '';
    const ports = /^TCP:\[[^\]]*:(\d+)->[^\]]*:(\d+)\]$/.exec(target)?.slice(1).map(Number);
    if (ports === undefined || call.result <= 0) continue;
    if (!ports.some((port) => peerPorts.includes(port))) continue;
    const bytes = bytesOf(call);
    if (bytes === undefined) throw new Error('the trace shows a write to a peer in part only');
    const rest = Buffer.concat([streams.get(target) ?? Buffer.alloc(0), bytes]);
    streams.set(
      target,
      takeFrames(rest, (message) => fetches.push({ ...message, sentAt: call.startedAt }), decodePeerMessage),
    );
  }
  return fetches;
}

/** Hands on the fetches of all whole frames, and gives the bytes that remain. */
function takeFrames(bytes, onFetch, decodePeerMessage) {
  let at = 0;
  while (bytes.length - at >= 4) {
    const length = bytes.readUInt32BE(at);
    if (bytes.length - at < 4 + length) break;
    const payload = bytes.subarray(at + 5, at + 4 + length - 4);
    if (bytes[at + 4] === messageFrameType) {
      const decoded = decodePeerMessage(payload);
      if (!decoded.ok) throw new Error(`a message of ${length + frameOverheadBytes} bytes cannot be read`);
      const { message } = decoded.value;
      if (message.type === 'fetchRequest') onFetch({ flushedOffset: message.flushedOffset });
    }
    at += 4 + length;
  }
  return bytes.subarray(at);
}

/** Which fetches acknowledge what no flush before them covers. */
export function judge(flushes, fetches) {
  const complaints = [];
  let acknowledging = 0;
  let highest = 0;
  for (const { flushedOffset, sentAt } of fetches) {
    if (flushedOffset > highest) acknowledging += 1;
    highest = Math.max(highest, flushedOffset);
    const flushed = flushes
      .filter(({ endedAt }) => endedAt < sentAt)
      .reduce((most, { endOffset }) => Math.max(most, endOffset), 0);
    if (flushedOffset > flushed)
      complaints.push(
        `a fetch (line ${sentAt}) acknowledges ${flushedOffset}, and only ${flushed} was flushed`,
      );
  }
  return { complaints, acknowledging };
}

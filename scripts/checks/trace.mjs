// Reads what strace wrote (-f -yy -xx) into calls, in the order in which they ended.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** `<pid> name(arguments) = result`, with what strace prints where a call is interrupted by another thread's. */
const whole = /^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:[ <].*)?$/;
const begun = /^(\d+) +(\w+)\((.*?),? *<unfinished \.\.\.>$/;
const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)(?:[ <].*)?$/;

/**
 * Gives every call as {name, pid, args, result, startedAt, endedAt}: the last two count lines of the trace, so
 * they say which of two things came first.
 */
export async function readTrace(path) {
  const calls = [];
  const open = new Map();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path, 'latin1') })) {
    line += 1;
    const call = readLine(text, line, open);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

function readLine(text, line, open) {
  const first = begun.exec(text);
  if (first !== null) {
    const [, pid, name, args] = first;
    open.set(pid, { name, pid: Number(pid), args, startedAt: line });
    return undefined;
  }
  const second = resumed.exec(text);
  if (second !== null) return finish(second, line, open);
  const both = whole.exec(text);
  if (both === null) return undefined;
  const [, pid, name, args, result] = both;
  return { name, pid: Number(pid), args, result: Number(result), startedAt: line, endedAt: line };
}

function finish([, pid, name, args, result], line, open) {
  const call = open.get(pid);
  open.delete(pid);
  if (call === undefined || call.name !== name) return undefined;
  return { ...call, args: call.args + args, result: Number(result), endedAt: line };
}

/** `23</data/log/0001.log>` or `25<TCP:[127.0.0.1:4100->127.0.0.1:4200]>`: number and what stands behind it. */
export function descriptorOf(call) {
  const match = /^(\d+)<(.*?)>(?:,|$)/.exec(call.args);
  return match === null ? undefined : { number: Number(match[1]), target: match[2] };
}

/** The bytes that a call wrote, from the strings that strace shows in hexadecimal; undefined when cut short. */
export function bytesOf(call) {
  if (call.args.includes('"...')) return undefined;
  const strings = [...call.args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) =>
    hex.replaceAll('\\x', ''),
  );
  return Buffer.from(strings.join(''), 'hex').subarray(0, Math.max(call.result, 0));
}

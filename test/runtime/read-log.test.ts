import { describe, expect, it } from 'vitest';
import { offset } from '../../src/base/brands.ts';
import { failed } from '../../src/base/result.ts';
import type { LogReadError, RaftLog } from '../../src/runtime/log/raft-log.ts';
import { readLogSlice } from '../../src/runtime/read-log.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';

const bounds = { logStartOffset: offset(5), endOffset: offset(9) };

function readWith(code: LogReadError['code'], from = 5): unknown {
  const log: Pick<RaftLog, 'read' | 'chainCrcAt'> = {
    chainCrcAt: () => 0,
    read: (_from, _to, _bytes, complete) => complete(failed({ code, message: 'Because.' })),
  };
  const answers: unknown[] = [];
  readLogSlice(
    log as RaftLog,
    { ...bounds, registry: builtInRegistry },
    { from: offset(from), maxRecords: 10 },
    (answer) => answers.push(answer),
  );
  return answers[0];
}

describe('a look into the log', () => {
  it.each(['IO', 'CORRUPT'] as const)('that the disk does not give is the server’s own error: %s', (code) => {
    const error = { code: 'UNKNOWN_SERVER_ERROR', message: 'Because.', logStartOffset: 5 };
    expect(readWith(code)).toEqual({ ok: false, error });
  });

  it.each(['BELOW_LOG_START', 'CANCELLED'] as const)(
    'at what is gone says where the log begins: %s',
    (code) => {
      expect(readWith(code)).toMatchObject({
        ok: false,
        error: { code: 'OFFSET_OUT_OF_RANGE', logStartOffset: 5 },
      });
    },
  );

  it.each([4, 10])('outside of the log says where it begins and ends: %s', (from) => {
    expect(readWith('IO', from)).toMatchObject({ ok: false, error: { code: 'OFFSET_OUT_OF_RANGE' } });
  });
});

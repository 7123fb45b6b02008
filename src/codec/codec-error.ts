import { failed, type Failed } from '../base/result.ts';

/**
 * Why bytes were refused. `UNSUPPORTED_VERSION` names the version that was met: the bytes are whole, and
 * a newer Ottla wrote them. `MALFORMED`: no Ottla writes such bytes, or they were damaged.
 */
export type CodecError = {
  readonly code: 'MALFORMED' | 'UNSUPPORTED_VERSION';
  readonly message: string;
};

export function malformed(message: string): Failed<CodecError> {
  return failed({ code: 'MALFORMED', message });
}

export function unsupportedVersion(what: string, version: number, known: number): Failed<CodecError> {
  return failed({
    code: 'UNSUPPORTED_VERSION',
    message: `${what} has format version ${version}; this Ottla understands version ${known}`,
  });
}

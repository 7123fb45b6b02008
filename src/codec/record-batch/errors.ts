import { failed, type Failed } from '../../base/result.ts';

/**
 * Why a batch was refused, by Kafka's names. `CORRUPT_MESSAGE`: its bytes are not those that were written.
 * `INVALID_RECORD`: the bytes are whole, and what they say breaks a rule. `UNSUPPORTED_FOR_MESSAGE_FORMAT`: an older
 * or a newer format. `UNSUPPORTED_COMPRESSION_TYPE`: records that this process cannot look into. `MESSAGE_TOO_LARGE`:
 * more than one batch may have.
 */
export type RecordBatchError = {
  readonly code:
    | 'CORRUPT_MESSAGE'
    | 'INVALID_RECORD'
    | 'UNSUPPORTED_FOR_MESSAGE_FORMAT'
    | 'UNSUPPORTED_COMPRESSION_TYPE'
    | 'MESSAGE_TOO_LARGE';
  readonly message: string;
};

export function corrupt(message: string): Failed<RecordBatchError> {
  return failed({ code: 'CORRUPT_MESSAGE', message });
}

export function invalid(message: string): Failed<RecordBatchError> {
  return failed({ code: 'INVALID_RECORD', message });
}

export function tooLarge(message: string): Failed<RecordBatchError> {
  return failed({ code: 'MESSAGE_TOO_LARGE', message });
}

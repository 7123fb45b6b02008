import { assert } from '../../../src/base/assert.ts';
import type { Epoch, Offset } from '../../../src/base/brands.ts';
import { hashIntegers } from '../../../src/base/random.ts';
import { crcOf } from '../../../src/codec/crc.ts';
import { batchPayload } from '../../../src/codec/batch.ts';
import { batchEndOffset, type LogBatch } from '../../../src/raft/batch.ts';
import type { Voter } from '../../../src/raft/replica-key.ts';
import { decodeRegisterWrite } from '../../workload/register-payload.ts';

/** The state machine of the bare host, as a checkpoint holds it. */
export type RegisterCheckpoint = {
  readonly endOffset: number;
  readonly epoch: number;
  readonly chainCrc: number;
  readonly digest: number;
  readonly kraftVersion: number;
  readonly voters: readonly Voter[];
  readonly values: readonly (readonly [key: number, attempt: number])[];
};

/**
 * One register a key: enough of a state machine to tell whether the log below it is linearizable.
 * Its digest takes in every batch in order, so that two machines with one digest have applied one log.
 */
export class RegisterMachine {
  endOffset = 0 as Offset;
  epoch = 0 as Epoch;
  digest = 0;
  kraftVersion = 0;
  voters: readonly Voter[];
  readonly #values = new Map<number, number>();

  constructor(voters: readonly Voter[]) {
    this.voters = voters;
  }

  static from(checkpoint: RegisterCheckpoint): RegisterMachine {
    const machine = new RegisterMachine(checkpoint.voters);
    machine.endOffset = checkpoint.endOffset as Offset;
    machine.epoch = checkpoint.epoch as Epoch;
    machine.digest = checkpoint.digest;
    machine.kraftVersion = checkpoint.kraftVersion;
    for (const [key, attempt] of checkpoint.values) machine.#values.set(key, attempt);
    return machine;
  }

  /** The attempt that wrote the key last; 0 when none did. */
  valueOf(key: number): number {
    return this.#values.get(key) ?? 0;
  }

  apply(batch: LogBatch): void {
    assert(batch.baseOffset === this.endOffset, `batch ${batch.baseOffset} applied at ${this.endOffset}`);
    this.endOffset = batchEndOffset(batch);
    this.epoch = batch.epoch;
    if (batch.kind === 'control') {
      this.#applyControl(batch);
      return;
    }
    const payload = batchPayload(batch);
    const { attempt, key } = decodeRegisterWrite(payload);
    this.#values.set(key, attempt);
    // The padding is part of what was written, too.
    this.digest = hashIntegers(this.digest, batch.baseOffset, batch.epoch, crcOf(payload));
  }

  checkpoint(chainCrc: number): RegisterCheckpoint {
    const { endOffset, epoch, digest, kraftVersion, voters } = this;
    const values = [...this.#values].toSorted(([left], [right]) => left - right);
    return { endOffset, epoch, chainCrc, digest, kraftVersion, voters, values };
  }

  #applyControl(batch: Extract<LogBatch, { kind: 'control' }>): void {
    for (const record of batch.records) {
      if (record.type === 'KRaftVoters') this.voters = record.voters;
      if (record.type === 'KRaftVersion') this.kraftVersion = record.kraftVersion;
    }
    this.digest = hashIntegers(this.digest, batch.baseOffset, batch.epoch, batch.recordCount);
  }
}

export function encodeCheckpoint(checkpoint: RegisterCheckpoint): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(checkpoint));
}

/** Reads what `encodeCheckpoint` wrote; the simulator's stores do not damage it, so a shape is not checked. */
export function decodeCheckpoint(bytes: Uint8Array): RegisterCheckpoint | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as RegisterCheckpoint;
  } catch {
    return null;
  }
}

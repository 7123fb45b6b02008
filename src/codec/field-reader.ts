import {
  type Epoch,
  epoch,
  isEpoch,
  isNodeId,
  isOffset,
  type NodeId,
  nodeId,
  type Offset,
} from '../base/brands.ts';
import { offset, type Uuid } from '../base/brands.ts';
import { ok, type Result } from '../base/result.ts';
import { uuidFromBytes, zeroUuid } from '../base/uuid.ts';
import { malformed, type CodecError } from './codec-error.ts';

/** Keeps the first thing that was wrong with a text, over all readers of its nested parts. */
type Fault = { message: string | null };

/**
 * Reads the fields of a positional array one after another and checks each one's type and range.
 * The first fault is kept and every later read gives a harmless value, so that a decoder reads from top
 * to bottom without a branch a field; `finish` gives the value only when there was no fault at all.
 */
export class FieldReader {
  readonly #fields: readonly unknown[];
  readonly #what: string;
  readonly #fault: Fault;
  #at = 0;

  constructor(value: unknown, what: string, fault: Fault = { message: null }) {
    this.#what = what;
    this.#fault = fault;
    this.#fields = Array.isArray(value) ? value : [];
    if (!Array.isArray(value)) this.fail('is not an array');
  }

  get failed(): boolean {
    return this.#fault.message !== null;
  }

  fail(reason: string): void {
    this.#fault.message ??= `${this.#what} ${reason}`;
  }

  integer(name: string, min: number, max: number): number {
    const value = this.#next();
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    this.fail(`has a bad ${name}`);
    return min;
  }

  /** A count, a position, a time: any safe integer of at least 0. */
  count(name: string): number {
    return this.integer(name, 0, Number.MAX_SAFE_INTEGER);
  }

  uint32(name: string): number {
    return this.integer(name, 0, 0xffffffff);
  }

  epoch(name: string): Epoch {
    const value = this.#next();
    if (isEpoch(value)) return value;
    this.fail(`has a bad ${name}`);
    return epoch(0);
  }

  offset(name: string): Offset {
    const value = this.#next();
    if (isOffset(value)) return value;
    this.fail(`has a bad ${name}`);
    return offset(0);
  }

  nodeId(name: string): NodeId {
    const value = this.#next();
    if (isNodeId(value)) return value;
    this.fail(`has a bad ${name}`);
    return nodeId(0);
  }

  nodeIdOrNull(name: string): NodeId | null {
    return this.orNull(() => this.nodeId(name));
  }

  uuid(name: string): Uuid {
    const value = this.#next();
    if (value instanceof Uint8Array && value.length === 16) return uuidFromBytes(value);
    this.fail(`has a bad ${name}`);
    return zeroUuid;
  }

  boolean(name: string): boolean {
    const value = this.#next();
    if (typeof value === 'boolean') return value;
    this.fail(`has a bad ${name}`);
    return false;
  }

  text(name: string, charactersMax: number): string {
    const value = this.#next();
    if (typeof value === 'string' && value.length <= charactersMax) return value;
    this.fail(`has a bad ${name}`);
    return '';
  }

  bytes(name: string, bytesMax: number): Uint8Array {
    const value = this.#next();
    if (value instanceof Uint8Array && value.length <= bytesMax) return value;
    this.fail(`has a bad ${name}`);
    return new Uint8Array(0);
  }

  /** One of the texts of `allowed`, which is never empty. */
  oneOf<Choice extends string>(name: string, allowed: readonly [Choice, ...Choice[]]): Choice {
    const value = this.#next();
    const found = allowed.find((choice) => choice === value);
    if (found !== undefined) return found;
    this.fail(`has an unknown ${name}`);
    return allowed[0];
  }

  /** A nested positional array; `read` must consume all of its fields. */
  nested<Value>(name: string, read: (fields: FieldReader) => Value): Value {
    const fields = new FieldReader(this.#next(), `${this.#what}'s ${name}`, this.#fault);
    const value = read(fields);
    fields.#expectEnd();
    return value;
  }

  /** A list whose every element is read as the only field of its turn. */
  list<Value>(name: string, lengthMax: number, read: (elements: FieldReader) => Value): readonly Value[] {
    const elements = new FieldReader(this.#next(), `${this.#what}'s ${name}`, this.#fault);
    if (elements.#fields.length > lengthMax) this.fail(`has more than ${lengthMax} of ${name}`);
    const values: Value[] = [];
    while (!this.failed && elements.#at < elements.#fields.length) values.push(read(elements));
    return values;
  }

  orNull<Value>(read: () => Value): Value | null {
    if (this.#at >= this.#fields.length || this.#fields[this.#at] !== null) return read();
    this.#at++;
    return null;
  }

  /** A field that earlier releases did not write, and that is left out where it would say nothing. */
  ifPresent<Value>(absent: Value, read: () => Value): Value {
    return this.#at < this.#fields.length ? read() : absent;
  }

  finish<Value>(value: Value): Result<Value, CodecError> {
    this.#expectEnd();
    return this.#fault.message === null ? ok(value) : malformed(this.#fault.message);
  }

  #next(): unknown {
    if (this.#at >= this.#fields.length) this.fail('has too few fields');
    const value = this.#fields[this.#at++];
    // Adding 0 turns the float -0, which no encoder writes, into 0.
    return typeof value === 'number' ? value + 0 : value;
  }

  #expectEnd(): void {
    if (this.#at < this.#fields.length) this.fail('has too many fields');
  }
}

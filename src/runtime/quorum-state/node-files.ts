import { failed, ok, type Result } from '../../base/result.ts';
import type { CodecError } from '../../codec/codec-error.ts';
import { decodeDescriptor, encodeDescriptor, type StoredDescriptor } from '../../codec/descriptor.ts';
import {
  decodeNodeProperties,
  encodeNodeProperties,
  type NodeProperties,
} from '../../codec/node-properties.ts';
import type { Files } from '../../ports/files.ts';
import { runFileTask, submitFile } from '../../ports/task.ts';
import {
  fromCodecError,
  fromFileError,
  readStoredFile,
  replaceStoredFile,
  type Stored,
  type StoredFileError,
} from './stored-file.ts';

/**
 * The two files that say whose directory this is and which cluster it was born into. Both are small,
 * checksummed, and replaced whole; a damaged one is refused by name and never guessed at.
 */
export const nodePropertiesName = 'node.properties';
export const descriptorName = 'bootstrap.descriptor';

type Completion<Value> = (result: Result<Value, StoredFileError>) => void;

/** Null: the directory was never formatted. */
export function readNodeProperties(
  files: Files,
  directory: string,
  complete: Completion<NodeProperties | null>,
): void {
  runFileTask(files, readDecoded(directory, nodePropertiesName, decodeNodeProperties), complete);
}

export function writeNodeProperties(
  files: Files,
  directory: string,
  properties: NodeProperties,
  complete: Completion<null>,
): void {
  runFileTask(
    files,
    replaceStoredFile(directory, nodePropertiesName, encodeNodeProperties(properties)),
    complete,
  );
}

/** Null: this node has agreed to no descriptor yet. */
export function readDescriptor(
  files: Files,
  directory: string,
  complete: Completion<StoredDescriptor | null>,
): void {
  runFileTask(files, readDecoded(directory, descriptorName, decodeDescriptor), complete);
}

export function writeDescriptor(
  files: Files,
  directory: string,
  stored: StoredDescriptor,
  complete: Completion<null>,
): void {
  runFileTask(files, replaceStoredFile(directory, descriptorName, encodeDescriptor(stored)), complete);
}

function* readDecoded<Value>(
  directory: string,
  name: string,
  decode: (bytes: Uint8Array) => Result<Value, CodecError>,
): Stored<Value | null> {
  const path = `${directory}/${name}`;
  const read = yield* readStoredFile(path);
  if (!read.ok) return read;
  if (read.value === null) return ok(null);
  const decoded = decode(read.value);
  if (!decoded.ok) return failed(fromCodecError(path, decoded.error));
  // The process that renamed it may have ended before its name was durable, and we are about to rely on it.
  const synced = yield* submitFile({ kind: 'syncDirectory', path: directory });
  return synced.ok ? decoded : failed(fromFileError(synced.error));
}

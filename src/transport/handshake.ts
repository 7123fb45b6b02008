import { isNodeId, type NodeId, type Uuid } from '../base/brands.ts';
import { failed, ok, type Result } from '../base/result.ts';
import { uuidFromBytes, uuidToBytes } from '../base/uuid.ts';
import type { ReplicaKey, VersionRange } from '../raft/replica-key.ts';
import { type CloseReason, isRefusalCode } from './close-reason.ts';

/**
 * The first frame in each direction. The dialler says hello; the other side welcomes or refuses it.
 *
 *     hello    "OTLA", u16 lowest and u16 highest version spoken, node id, directory id, cluster id, u32 node sought
 *     welcome  u16 version chosen, node id, directory id, cluster id
 *     refuse   u8 length of the code, the code, a message in UTF-8
 *
 * A node id is a u32, a directory id 16 bytes; a cluster id is a presence byte and 16 bytes. Where the
 * versions stand never changes, so that any two Ottlas can tell each other that they share none; a later
 * version may append fields, which an earlier one does not read.
 */
export type Hello = {
  readonly versions: VersionRange;
  readonly replica: ReplicaKey;
  /** Null before the quorum was bootstrapped. */
  readonly clusterId: Uuid | null;
  /** Whom the dialler means to reach. */
  readonly target: NodeId;
};

export type Welcome = {
  readonly version: number;
  readonly replica: ReplicaKey;
  readonly clusterId: Uuid | null;
};

/** The versions of this protocol that this program speaks. */
export const protocolVersions: VersionRange = { min: 1, max: 1 };

/** Far above any handshake's frame, far below what a stranger could do harm with. */
export const handshakeBytesMax = 1024;

const magic = Buffer.from('OTLA', 'latin1');
const versionsEnd = magic.length + 4;
const replicaBytes = 20;
const clusterBytes = 17;
const helloBytes = versionsEnd + replicaBytes + clusterBytes + 4;
const welcomeBytes = 2 + replicaBytes + clusterBytes;
const refusalMessageCharactersMax = 200;

export function encodeHello(hello: Hello): Uint8Array {
  const bytes = Buffer.alloc(helloBytes);
  magic.copy(bytes);
  bytes.writeUInt16BE(hello.versions.min, magic.length);
  bytes.writeUInt16BE(hello.versions.max, magic.length + 2);
  writeReplica(bytes, versionsEnd, hello.replica);
  writeCluster(bytes, versionsEnd + replicaBytes, hello.clusterId);
  bytes.writeUInt32BE(hello.target, versionsEnd + replicaBytes + clusterBytes);
  return bytes;
}

export function decodeHello(payload: Uint8Array): Result<Hello, CloseReason> {
  const bytes = bufferOf(payload);
  if (bytes.length < versionsEnd || !bytes.subarray(0, magic.length).equals(magic)) return malformed('hello');
  const versions = { min: bytes.readUInt16BE(magic.length), max: bytes.readUInt16BE(magic.length + 2) };
  if (versions.min > versions.max) return malformed('hello');
  // Judged before the rest is read: the rest may be laid out as this program does not know.
  if (sharedVersion(versions) === null) return failed(noSharedVersion(versions));
  if (bytes.length < helloBytes) return malformed('hello');
  const replica = readReplica(bytes, versionsEnd);
  const clusterId = readCluster(bytes, versionsEnd + replicaBytes);
  const target = bytes.readUInt32BE(versionsEnd + replicaBytes + clusterBytes);
  if (replica === null || clusterId === undefined || !isNodeId(target)) return malformed('hello');
  return ok({ versions, replica, clusterId, target });
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  const bytes = Buffer.alloc(welcomeBytes);
  bytes.writeUInt16BE(welcome.version, 0);
  writeReplica(bytes, 2, welcome.replica);
  writeCluster(bytes, 2 + replicaBytes, welcome.clusterId);
  return bytes;
}

export function decodeWelcome(payload: Uint8Array): Result<Welcome, CloseReason> {
  const bytes = bufferOf(payload);
  if (bytes.length < welcomeBytes) return malformed('welcome');
  const version = bytes.readUInt16BE(0);
  if (sharedVersion({ min: version, max: version }) === null) {
    return failed(noSharedVersion({ min: version, max: version }));
  }
  const replica = readReplica(bytes, 2);
  const clusterId = readCluster(bytes, 2 + replicaBytes);
  if (replica === null || clusterId === undefined) return malformed('welcome');
  return ok({ version, replica, clusterId });
}

export function encodeCluster(clusterId: Uuid): Uint8Array {
  return uuidToBytes(clusterId);
}

export function decodeCluster(payload: Uint8Array): Result<Uuid, CloseReason> {
  return payload.length === 16 ? ok(uuidFromBytes(payload)) : malformed('cluster id');
}

export function encodeRefusal(reason: CloseReason): Uint8Array {
  const code = Buffer.from(isRefusalCode(reason.code) ? reason.code : 'OTHER', 'latin1');
  const message = Buffer.from(reason.message.slice(0, refusalMessageCharactersMax), 'utf8');
  return Buffer.concat([Buffer.of(code.length), code, message]);
}

/** What a refuse frame says. It comes from outside, so nothing but plain characters goes into our log. */
export function decodeRefusal(payload: Uint8Array): CloseReason {
  const bytes = bufferOf(payload);
  const codeEnd = 1 + (bytes[0] ?? 0);
  const named = bytes.toString('latin1', 1, codeEnd);
  const code = isRefusalCode(named) ? named : 'OTHER';
  const message = bytes.toString('utf8', codeEnd).slice(0, refusalMessageCharactersMax);
  return { code: 'REFUSED_BY_PEER', message: `${code}: ${message.replace(/[^ -~]/g, '?')}` };
}

/** The highest version that both sides speak, or null. */
export function sharedVersion(theirs: VersionRange): number | null {
  const highest = Math.min(theirs.max, protocolVersions.max);
  return highest >= Math.max(theirs.min, protocolVersions.min) ? highest : null;
}

function noSharedVersion(theirs: VersionRange): CloseReason {
  const { min, max } = protocolVersions;
  const message = `protocol versions ${theirs.min} to ${theirs.max} meet ${min} to ${max}`;
  return { code: 'UNSUPPORTED_VERSION', message };
}

function malformed(what: string): Result<never, CloseReason> {
  return failed({ code: 'FRAME_MALFORMED', message: `a malformed ${what}` });
}

function writeReplica(bytes: Buffer, position: number, replica: ReplicaKey): void {
  bytes.writeUInt32BE(replica.id, position);
  bytes.set(uuidToBytes(replica.directoryId), position + 4);
}

function readReplica(bytes: Buffer, position: number): ReplicaKey | null {
  const id = bytes.readUInt32BE(position);
  if (!isNodeId(id)) return null;
  return { id, directoryId: uuidFromBytes(bytes.subarray(position + 4, position + 20)) };
}

function writeCluster(bytes: Buffer, position: number, clusterId: Uuid | null): void {
  if (clusterId === null) return;
  bytes.writeUInt8(1, position);
  bytes.set(uuidToBytes(clusterId), position + 1);
}

/** Undefined when the presence byte is neither 0 nor 1. */
function readCluster(bytes: Buffer, position: number): Uuid | null | undefined {
  const presence = bytes.readUInt8(position);
  if (presence === 0) return null;
  return presence === 1 ? uuidFromBytes(bytes.subarray(position + 1, position + clusterBytes)) : undefined;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One write of the register workload as a record's bytes: attempt, key, and padding that makes sizes vary. */
export type RegisterWrite = { readonly attempt: number; readonly key: number };

const headerBytes = 8;

export function encodeRegisterWrite(write: RegisterWrite, padding: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes + padding);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, write.attempt);
  view.setUint32(4, write.key);
  bytes.fill(write.attempt & 255, headerBytes);
  return bytes;
}

export function decodeRegisterWrite(bytes: Uint8Array): RegisterWrite {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { attempt: view.getUint32(0), key: view.getUint32(4) };
}

/**
 * Safe integers as big-endian int64. BigInt is avoided, since it allocates on every call.
 */
const high = 4294967296;

export function writeInt64(view: DataView, position: number, value: number): void {
  view.setUint32(position, Math.floor(value / high));
  view.setUint32(position + 4, value % high);
}

/** Null when the stored value is negative or not a safe integer. */
export function readInt64(view: DataView, position: number): number | null {
  const value = view.getUint32(position) * high + view.getUint32(position + 4);
  return Number.isSafeInteger(value) ? value : null;
}

/** Null when the stored value is not a safe integer. */
export function readSignedInt64(view: DataView, position: number): number | null {
  const value = view.getInt32(position) * high + view.getUint32(position + 4);
  return Number.isSafeInteger(value) ? value : null;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Deep equality of plain data: objects, arrays, byte arrays, numbers, strings, booleans and null. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (left === null || right === null) return false;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && sameBytes(left, right);
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const entries = Object.entries(left);
  if (entries.length !== Object.keys(right).length) return false;
  const others = new Map<string, unknown>(Object.entries(right));
  return entries.every(([key, value]) => others.has(key) && sameValue(value, others.get(key)));
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** No control or format characters, nothing that is not assigned, and nothing that would look like hexadecimal. */
const plainText = /^(?!0x)[^\p{C}]*$/u;

/**
 * Bytes for people and for JSON, which has no form for them: as text where they are that, else 0x and
 * hexadecimal.
 */
export function printableBytes(bytes: Uint8Array): string {
  const text = textOf(bytes);
  return text !== null && plainText.test(text) ? text : `0x${Buffer.from(bytes).toString('hex')}`;
}

/** The fields of a record with its bytes made printable. */
export function printableFields(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const fields = Object.entries(value).map(([name, field]): [string, unknown] => {
    return [name, field instanceof Uint8Array ? printableBytes(field) : field];
  });
  return Object.fromEntries(fields);
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

import { expect, it } from 'vitest';
import { printableBytes } from '../../src/runtime/printable.ts';

it.each([
  [
    'an answer in JSON',
    Buffer.from('{"name":"bestellungen-für-heute"}'),
    '{"name":"bestellungen-für-heute"}',
  ],
  ['nothing', Buffer.alloc(0), ''],
  ['what is not UTF-8', Uint8Array.of(0xff, 0x41), '0xff41'],
  ['a control character', Uint8Array.of(0x41, 0x1b), '0x411b'],
  ['text that looks like hexadecimal', Buffer.from('0x41'), '0x30783431'],
])('shows bytes as text where they are that, else as hexadecimal: %s', (_name, bytes, shown) => {
  expect(printableBytes(bytes)).toBe(shown);
});

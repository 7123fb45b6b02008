import { describe, expect, it } from 'vitest';
import { isLoopbackHost } from '../../src/transport/loopback.ts';

describe('a loopback host', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.255.0.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '0000:0000:0000:0000:0000:0000:0000:0001',
  ])('is %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  // Brackets belong to an endpoint's text. What looks like loopback and is a name may be anybody.
  it.each([
    '0.0.0.0',
    '::',
    '128.0.0.1',
    '127.0.0.1.example.org',
    '127.999.0.1',
    '127.1',
    'localhost.example.org',
    '[::1]',
    '::2',
    '::1%eth0',
    '::ffff:127.0.0.1',
    '',
  ])('is not %s', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});

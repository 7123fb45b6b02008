import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // `npm run test:long` runs what takes too long for every change, and nothing else.
    include: process.env['OTTLA_LONG'] === '1' ? ['test/**/*.long.ts'] : ['test/**/*.test.ts'],
    // Forked processes keep a crash or a leaked handle of one file away from the others.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // A bound against waiting for ever, far above what is expected: no test asserts a duration.
    expect: { poll: { timeout: 120_000, interval: 20 } },
    // A test that passes at the second attempt has found something; repeating it would hide that.
    retry: 0,
    // Node gives a CommonJS package's module.exports as its default export; the tests must see the same.
    deps: { interopDefault: false },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'simulator/**/*.ts'],
      reportsDirectory: 'coverage',
    },
  },
});

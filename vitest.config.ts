import { defineConfig } from 'vitest/config';

/** Real machines take minutes: they are started only where NODE_PREP_VM_TESTS=1 asks for them. */
const machines = process.env['NODE_PREP_VM_TESTS'] === '1';

export default defineConfig({
  test: {
    include: [
      'test/unit/**/*.test.ts',
      'test/hostile/**/*.test.ts',
      'test/contract/**/*.test.ts',
      'test/resolvers/**/*.test.ts',
      'test/package/**/*.test.ts',
      'test/faults/**/*.test.ts',
      'test/boundaries.test.ts',
      ...(machines ? ['test/vm/**/*.test.ts'] : []),
    ],
    globalSetup: ['test/unit/build.setup.ts'],
    testTimeout: machines ? 900_000 : 30_000,
    hookTimeout: machines ? 900_000 : 60_000,
    ...(machines && { maxWorkers: 2 }),
  },
});

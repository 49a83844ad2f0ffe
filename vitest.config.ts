import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/fixed-seed.ts'],
    // Processes, not threads: tests change the umask and the working folder, and a store's lock names its process.
    pool: 'forks',
    maxWorkers: Math.max(1, Math.min(8, availableParallelism())),
    // Property and crash tests do thousands of runs in one test, on machines with two cores.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default reporter closes with the counts; CI adds a machine-readable one.
    reporters: ['default'],
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text-summary', 'html', 'lcovonly'],
    },
  },
});

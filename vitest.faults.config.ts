import { defineConfig } from "vitest/config";

// Faults take minutes: they are run by `npm run test:faults`, one file after another.
export default defineConfig({
  test: {
    include: ["test/faults/**/*.fault.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});

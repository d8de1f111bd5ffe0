import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A shared machine may stall for seconds; what fails is said, and tried once more there.
    retry: process.env.CI ? 2 : 0,
    // Most tests wait for supervisors and servers more than they compute.
    maxWorkers: 3,
  },
});

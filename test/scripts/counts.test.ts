import { expect, test } from "vitest";
import { countsOf, type Report } from "../../scripts/test.js";

const passed = { status: "passed", assertionResults: [{ status: "passed" }] };
const report: Report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [passed],
};

test("counts passed and skipped tests", () => {
  expect(countsOf(report, 0)).toEqual({ passed: 3, failed: 0, skipped: 2 });
});

test("a file that cannot be loaded is a failure", () => {
  const broken = { status: "failed", assertionResults: [] };
  expect(countsOf({ ...report, testResults: [passed, broken] }, 1).failed).toBe(1);
});

test("a run that fails without a failed test is a failure", () => {
  expect(countsOf(report, 1).failed).toBe(1);
});

import { readFileSync } from 'node:fs';

/**
 * The closing line of a test run, from vitest's report: what was counted, and a failure more where something beside the tests
 * failed (types, format, the machines' build). Exits with 1 unless all is well; no test at all is not well.
 */
type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
};

const [path = '', failedElsewhere = '0', skippedMachines = '0'] = process.argv.slice(2);

const read = (): Report => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 1 };
  }
};

const report = read();
const broken = failedElsewhere !== '0' || report.numFailedTestSuites > 0;
const failed = report.numFailedTests > 0 ? report.numFailedTests : broken || report.numPassedTests === 0 ? 1 : 0;
process.stdout.write(
  `${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests + Number(skippedMachines)} skipped\n`,
);
process.exitCode = failed > 0 ? 1 : 0;

import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Real machines take minutes: they are started only where NODE_PREP_VM_TESTS=1 asks for them. */
const machines = process.env['NODE_PREP_VM_TESTS'] === '1';

/** Files of minutes, the longest first: of two workers neither must be left with a long one at the end. */
const slow = ['traps', 'cloud-init', 'faults/power', 'undo', 'package', 'refusals', 'scenario-', 'iptables', 'cgroup', 'by-hand'];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex((name) => moduleId.includes(name.includes('/') ? name : `/vm/${name}`));
      return at < 0 ? slow.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

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
    sequence: { sequencer: SlowestFirst },
    globalSetup: ['test/unit/build.setup.ts'],
    testTimeout: machines ? 900_000 : 30_000,
    hookTimeout: machines ? 900_000 : 60_000,
    ...(machines && { maxWorkers: 2 }),
  },
});

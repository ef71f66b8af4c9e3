import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Args } from '../../src/commands/options.ts';
import { loadSettings } from '../../src/config.ts';
import { hclHeredoc, withoutTemplates } from '../../src/knowledge/hcl.ts';
import { quoteAll } from '../../src/knowledge/quote.ts';
import { packer } from '../../src/renders/packer.ts';
import type { Said } from '../../src/renders/format.ts';

const { desired } = await loadSettings(
  { profiles: ['kubernetes'], waive: [], allow: { takeOver: false, rebootChanges: false } },
  new Date(),
);
const rendered = (options: Args['options'] = {}, said: Said = { words: [] }): Promise<string> =>
  packer.render({ said, desired, args: { words: ['packer'], options }, version: '1.2.3' });

describe('words in a script that Packer reads first', () => {
  const braces = fc.string({ unit: fc.constantFrom('{', '}', '$', '%', "'", '"', '\\', ' ', 'a', '\n'), minLength: 1 });

  test('come out of a shell as they were, and hold no template on the way', () => {
    fc.assert(
      fc.property(fc.array(braces, { minLength: 1, maxLength: 40 }), (words) => {
        const script = withoutTemplates(quoteAll(words));
        expect(script).not.toMatch(/\{\{|\$\{|%\{/);
        expect(spawnSync('sh', ['-c', `printf '%s\\0' ${script}`], { encoding: 'utf8' }).stdout).toBe(`${words.join('\0')}\0`);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a heredoc', () => {
  test('ends with a mark that no line of the text is, however it is indented', () => {
    expect(hclHeredoc('END\n  END_\n', 'END')).toBe('<<END__\nEND\n  END_\nEND__');
  });
});

describe('render packer', () => {
  test('says the flags again to apply and to verify', async () => {
    const text = await rendered({}, { words: ['--profile', 'istio:mode=ambient', '--take-over'] });
    for (const verb of ['apply --yes', 'verify'])
      expect(text).toContain(`/usr/local/bin/.node-prep-packer ${verb} --profile istio:mode=ambient --take-over\n`);
  });

  test('has an example of a source in it only where none is named', async () => {
    expect(await rendered()).toContain('sources = ["source.null.node-prep"]');
    const own = await rendered({ source: ['amazon-ebs.node', 'source.qemu.debian'] });
    expect(own).toContain('sources = ["source.amazon-ebs.node", "source.qemu.debian"]');
    expect(own).not.toMatch(/^source "|192\.0\.2\.10/m);
  });

  test('carries the configuration as it is, and reads it from there', async () => {
    const text = await rendered({}, { config: '\uFEFFmodules: [tun]\r\n', words: [] });
    expect(text).toContain('<<CONFIG\nmodules: [tun]\nCONFIG\n');
    expect(text).toContain('verify --config /root/.node-prep-packer.yaml\n');
  });

  test('leaves the executable in the image only where that is asked for', async () => {
    expect(await rendered()).toContain("trap 'rm -f /tmp/node-prep-packer /usr/local/bin/.node-prep-packer' EXIT");
    expect(await rendered({ install: true })).toContain("trap 'rm -f /tmp/node-prep-packer' EXIT");
  });

  test('what is left in the image knows later what was wanted, without flags', async () => {
    const text = await rendered(
      { install: true, profile: ['istio:mode=ambient'], 'take-over': true },
      { words: ['--profile', 'istio:mode=ambient', '--take-over'] },
    );
    expect(text).toMatch(/<<CONFIG\nprofiles:\n {2}istio:\n {4}mode: ambient\nCONFIG\n/);
    expect(text).toContain('/usr/local/bin/node-prep verify --config /etc/node-prep.yaml --take-over\n');
  });

  test('says what becomes of a machine that waits for its reboot, where changes are allowed that need one', async () => {
    expect(await rendered()).not.toContain('reboot');
    expect(await rendered({}, { words: ['--allow-reboot-changes'] })).toContain('waits for its reboot (exit code 3)');
  });

  test('refuses what Packer would not understand', async () => {
    await expect(rendered({ source: ['qemu'] })).rejects.toThrow('"qemu" names no source.');
    await expect(rendered({ source: ['a.b" ] #'] })).rejects.toThrow('names no source');
    await expect(rendered({ binary: '/srv/{{x}}' })).rejects.toThrow('template');
  });
});
